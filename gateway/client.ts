/** RayFlow for a program: runs flows on a server that is there. */
import type { NatsConnection } from "@nats-io/transport-node";
import { checkFlow, type ValidationResult } from "../flow/index.ts";
import { type ConnectOptions, connectNats, ensureTopology, type RunOptions, type RunResult } from "../nats/index.ts";
import { knownNodeTypes } from "./node-types.ts";
import { type SubmitOptions, type SubmittedRun, submitRun } from "./run-client.ts";

export interface RunCallOptions extends SubmitOptions {
  /** Options of the run itself. */
  readonly run?: RunOptions;
}

export interface RayflowClient extends AsyncDisposable {
  /**
   * Runs a flow and waits. A failed run is a result with `success: false`.
   * @throws InvalidFlow (details: errors, warnings), RunTimeout, PayloadTooLarge, ConnectionFailed
   */
  run(flow: unknown, inputs?: Readonly<Record<string, unknown>>, options?: RunCallOptions): Promise<RunResult>;
  /** Starts a run; its `result` can be awaited later. */
  submit(flow: unknown, inputs?: Readonly<Record<string, unknown>>, options?: RunCallOptions): Promise<SubmittedRun>;
  /** Checks a flow against the node types that the server lists. */
  validate(flow: unknown): Promise<ValidationResult>;
  /** Closes the connection; runs go on. */
  close(): Promise<void>;
}

export type RayflowClientOptions = Omit<ConnectOptions, "name"> & { readonly name?: string };

/** @throws ConnectionFailed */
export async function connectClient(options: RayflowClientOptions): Promise<RayflowClient> {
  const nc = await connectNats({ ...options, name: options.name ?? "rayflow client" });
  try {
    await ensureTopology(nc);
  } catch (error) {
    await nc.close();
    throw error;
  }
  return clientOn(nc);
}

/** A client on a connection that it closes when it is closed. */
export function clientOn(nc: NatsConnection): RayflowClient {
  const submit: RayflowClient["submit"] = (flow, inputs = {}, { run, ...options } = {}) =>
    submitRun(nc, { flow, inputs, ...(run === undefined ? {} : { options: run }) }, options);
  const close = async (): Promise<void> => {
    if (!nc.isClosed()) await nc.drain();
  };
  return {
    submit,
    run: async (flow, inputs, options) => (await submit(flow, inputs, options)).result,
    validate: async (flow) => {
      const { valid, errors, warnings } = checkFlow(flow, await knownNodeTypes(nc));
      return { valid, errors, warnings };
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}
