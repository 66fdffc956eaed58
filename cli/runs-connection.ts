/** The server whose runs the `runs` commands are about. */
import type { NatsConnection } from "@nats-io/transport-node";
import { RayflowError } from "../flow/index.ts";
import { RunControl, RunDirectory } from "../gateway/index.ts";
import { connectIfRunning } from "./connection.ts";
import type { CliContext } from "./context.ts";

export interface RunsAt {
  readonly nc: NatsConnection;
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
    await work(await openRuns(running.nc));
  } finally {
    await running.nc.close();
  }
}

export async function openRuns(nc: NatsConnection): Promise<RunsAt> {
  const directory = await RunDirectory.open(nc);
  return { nc, directory, control: new RunControl(nc, directory) };
}
