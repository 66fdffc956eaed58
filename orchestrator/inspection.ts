/** Loads XState only for those who inspect a run: nobody else needs it. */
import type { StartMachine } from "./run/fold.ts";
import type { RunInspection } from "./run/inspected-machine.ts";

/** A machine for `Run` that tells of every event and of where it leads, in the format of Stately's inspector. */
export async function inspectedMachine(inspect: (event: RunInspection) => void): Promise<StartMachine> {
  return (await import("./run/inspected-machine.ts")).inspectedMachine(inspect);
}
