/** `npm run test:chaos`: set-up, then the campaign of tests/chaos. Exit code 1 when it found anything. */
import { runCampaign } from "./campaign.mjs";

await runCampaign("chaos");
