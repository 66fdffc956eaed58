/** One endpoint of the request/reply service that takes a JSON object and gives one. */
import type { NatsConnection } from "@nats-io/transport-node";
import type { z } from "zod";
import { RayflowError } from "../flow/index.ts";
import { decodeMessage, encodeMessage, type MicroEndpoint, subjects } from "../nats/index.ts";

export interface JsonEndpoint<S extends z.ZodType> {
  /** The last tokens of its subject: `["flows", "list"]`. */
  readonly path: readonly [string, string];
  readonly description: string;
  readonly request: S;
  readonly handle: (request: z.output<S>) => Promise<unknown>;
}

/** `nats request rayflow.svc.flows.list ''` is a request too. */
const EMPTY = new TextEncoder().encode("{}");
/** What an answer takes besides its JSON, bytes. */
const ANSWER_ROOM_BYTES = 4_096;

export function jsonEndpoint<S extends z.ZodType>(nc: NatsConnection, endpoint: JsonEndpoint<S>): MicroEndpoint {
  const { path, description, request, handle } = endpoint;
  return {
    name: path.join("-"),
    subject: subjects.service(...path),
    metadata: { description },
    handler: async ({ data }) => {
      const decoded = decodeMessage(request, data.length === 0 ? EMPTY : data);
      if (!decoded.ok) throw new RayflowError("ValidationError", `the request cannot be read: ${decoded.reason}`);
      const answer = encodeMessage(await handle(decoded.value));
      const limit = (nc.info?.max_payload ?? 1 << 20) - ANSWER_ROOM_BYTES;
      if (answer.length <= limit) return answer;
      const message = `the answer has ${answer.length} bytes; ${limit} fit a message: ask over HTTP`;
      throw new RayflowError("PayloadTooLarge", message);
    },
  };
}
