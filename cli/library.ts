/** `runFlow` of the library: one flow, on the server that is named or on a local stack for the call. */
import type { RayflowClientOptions, RunCallOptions } from "../gateway/index.ts";
import type { RunResult } from "../nats/index.ts";
import { readEnvironment } from "./environment.ts";

export interface RunFlowLibraryOptions extends RunCallOptions {
  /** Default: the server in NATS_URL; without one, a local stack for this call. */
  readonly server?: string;
  /** How to connect to it. */
  readonly connection?: RayflowClientOptions;
  /** Local stack: the folder of your own nodes. */
  readonly nodesDir?: string;
  /** Local stack: what io_file_* may reach. */
  readonly filesRoot?: string;
  /** Local stack: whether io_http_request may reach private addresses. Default false. */
  readonly allowPrivateAddresses?: boolean;
}

export async function runFlow(
  flow: unknown,
  inputs: Readonly<Record<string, unknown>>,
  options: RunFlowLibraryOptions,
): Promise<RunResult> {
  const { server, connection, nodesDir, filesRoot, allowPrivateAddresses, ...call } = options;
  const servers = server ?? connection?.servers ?? readEnvironment().NATS_URL;
  const { clientOn, connectClient } = await import("../gateway/index.ts");
  if (servers !== undefined) {
    await using client = await connectClient({ ...connection, servers });
    return await client.run(flow, inputs, call);
  }
  const [{ startLocalStack }, { pino }] = await Promise.all([import("./local-stack.ts"), import("pino")]);
  await using stack = await startLocalStack({
    logger: pino({ level: "silent" }),
    nodesDir,
    filesRoot,
    allowPrivateAddresses: allowPrivateAddresses ?? false,
  });
  return await clientOn(stack.nc).run(flow, inputs, call);
}
