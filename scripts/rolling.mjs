/** `npm run test:rolling`: set-up, then the restarts of tests/rolling. Exit code 1 when anything was lost. */
import { runCampaign } from "./campaign.mjs";

await runCampaign("rolling");
