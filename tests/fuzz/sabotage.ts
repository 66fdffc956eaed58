/** The negative controls: each breaks one thing in the processes of a campaign, which has to find it. */
import path from "node:path";
import { pathToFileURL } from "node:url";
import { root } from "../rayflow-process.ts";

export const sabotages = ["poison", "crash", "leak"] as const;
export type Sabotage = (typeof sabotages)[number];

/** What a process is started with to be sabotaged. */
export function sabotageEnv(sabotage: Sabotage | undefined): Record<string, string> {
  if (sabotage === undefined) return {};
  const hooks = pathToFileURL(path.join(root, "tests", "chaos", "sabotage-hooks.mjs")).href;
  return { NODE_OPTIONS: `--import=${hooks}`, CHAOS_SABOTAGE: sabotage };
}
