/** The server whose runs the `runs` commands are about. */
import { RayflowError } from "../flow/index.ts";
import { RunControl, RunDirectory } from "../gateway/index.ts";
import { connectIfRunning } from "./connection.ts";
import type { CliContext } from "./context.ts";

export interface RunsAt {
  readonly directory: RunDirectory;
  readonly control: RunControl;
}

/** @throws ConnectionFailed when no server is named and none runs here */
export async function withRuns(context: CliContext, work: (open: RunsAt) => Promise<void>): Promise<void> {
  const running = await connectIfRunning(context.flags, context.environment, "rayflow runs");
  if (running === undefined) {
    throw new RayflowError("ConnectionFailed", "no server was named and none with RayFlow runs on this machine");
  }
  try {
    const directory = await RunDirectory.open(running.nc);
    await work({ directory, control: new RunControl(running.nc, directory) });
  } finally {
    await running.nc.close();
  }
}
