/** `npm run test:fuzz`: set-up, then the campaign of tests/fuzz. Exit code 1 when it found anything. */
import { runCampaign } from "./campaign.mjs";

await runCampaign("fuzz");
