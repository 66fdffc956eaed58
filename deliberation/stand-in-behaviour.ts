/**
 * How the model stand-in behaves for one request. Asked for by the model's name, so that it needs no other channel:
 * `stand-in?delay=200&status=429&retry_after=1&times=2`; or by the same text in the header `x-stand-in`, or by a control
 * call for the requests that come next.
 */
import { z } from "zod";

const flag = z.enum(["0", "1"]).transform((text) => text === "1");
const ms = z.coerce.number().min(0).max(600_000);

export const standInBehaviour = z.strictObject({
  /** Before the first byte, ms. */
  delay: ms.default(0),
  /** Between two pieces of a stream, ms. */
  token_delay: ms.default(0),
  /** Answers with this status instead. */
  status: z.coerce.number().int().min(300).max(599).optional(),
  /** The header of that answer: seconds, or a date. */
  retry_after: z.string().optional(),
  /** Takes the request and never answers. */
  hang: flag.default(false),
  /** Breaks the connection off, without an answer or in the middle of a stream. */
  drop: flag.default(false),
  /** Answers what does not fit the JSON Schema that was asked for. */
  invalid_json: flag.default(false),
  /** Answers what is no chat completion. */
  garbage: flag.default(false),
  /** Leaves the token counts out. */
  no_usage: flag.default(false),
  /** The answer's text, in the place of its own. */
  text: z.string().max(10_000).optional(),
  /** Only the first so many requests with this text; the others are answered as usual. */
  times: z.coerce.number().int().min(1).optional(),
  /** Only after so many requests with this text, which are answered as usual. */
  after: z.coerce.number().int().min(0).default(0),
});
export type StandInBehaviour = z.output<typeof standInBehaviour>;

export const usualBehaviour: StandInBehaviour = standInBehaviour.parse({});

/** Undefined when the text is off. */
export function readBehaviour(text: string): StandInBehaviour | undefined {
  const parsed = standInBehaviour.safeParse(Object.fromEntries(new URLSearchParams(text)));
  return parsed.success ? parsed.data : undefined;
}
