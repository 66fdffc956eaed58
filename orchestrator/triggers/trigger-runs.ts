/** Submits what triggers start, as anybody would: on `rayflow.flow.run.<name>`, with an id that follows from the cause. */
import type { JetStreamClient } from "@nats-io/jetstream";
import { headers, type MsgHdrs, type NatsConnection } from "@nats-io/transport-node";
import { RayflowError } from "../../flow/index.ts";
import { encodeMessage, findUnsafe, headerNames, subjects } from "../../nats/index.ts";

const TIMEOUT_MS = 5_000;
/** What the headers take of a message, generously. */
const HEADER_ROOM_BYTES = 1_024;

export interface TriggeredRun {
  readonly flow: string;
  readonly trigger: string;
  /** What happened: the same cause is the same run, whoever submits it. */
  readonly cause: string;
  readonly inputs: Record<string, unknown>;
  /** Of the message that started it: its trace goes on in the run. */
  readonly headers?: MsgHdrs | undefined;
}

export class TriggerRuns {
  readonly #nc: NatsConnection;
  readonly #js: JetStreamClient;

  constructor(nc: NatsConnection, js: JetStreamClient) {
    this.#nc = nc;
    this.#js = js;
  }

  /**
   * Resolves when JetStream has the submission.
   * @throws ValidationError, PayloadTooLarge (not retryable) when these inputs can never be submitted
   */
  async submit({ flow, trigger, cause, inputs, headers: from }: TriggeredRun): Promise<void> {
    const unsafe = findUnsafe(inputs);
    if (unsafe !== undefined) throw new RayflowError("ValidationError", `the inputs are not fit to travel: ${unsafe}`);
    const payload = encodeMessage({ inputs, options: {} });
    const limit = (this.#nc.info?.max_payload ?? 1 << 20) - HEADER_ROOM_BYTES;
    if (payload.length > limit) {
      throw new RayflowError("PayloadTooLarge", `the inputs take ${payload.length} bytes; ${limit} fit a message`);
    }
    const msgID = `trigger:${flow}:${trigger}:${cause}`;
    const sent = headers();
    for (const name of [headerNames.traceparent, headerNames.tracestate]) {
      const value = from?.get(name);
      if (value) sent.set(name, value);
    }
    await this.#js.publish(subjects.submitTo(flow), payload, { msgID, timeout: TIMEOUT_MS, headers: sent });
  }
}

/** Whether the same submission may succeed later. */
export function isWorthRetrying(error: unknown): boolean {
  return !(error instanceof RayflowError) || error.retryable;
}
