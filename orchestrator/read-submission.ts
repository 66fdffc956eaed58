/**
 * What a submission asks for. On `rayflow.flow.run` it is a flow or an envelope; on `rayflow.flow.run.<name>` it is the
 * inputs themselves, or `{inputs, options}`, or nothing.
 */
import { z } from "zod";
import {
  type Decoded,
  decodeMessage,
  flowOfSubmitSubject,
  runOptions,
  type Submission,
  submission,
} from "../nats/index.ts";

const inputs = z.record(z.string(), z.unknown());
const envelope = z.strictObject({ inputs, options: runOptions.default({}) });

export function readSubmission(subject: string, bytes: Uint8Array): Decoded<Submission> {
  const flowRef = flowOfSubmitSubject(subject);
  if (flowRef === undefined) return decodeMessage(submission, bytes);
  if (bytes.length === 0) return { ok: true, value: { flowRef, inputs: {}, options: {} } };
  const decoded = decodeMessage(inputs, bytes);
  if (!decoded.ok) return decoded;
  // An object with `inputs`, and nothing beside it but `options`, is an envelope; any other is the inputs.
  const wrapped = envelope.safeParse(decoded.value);
  return { ok: true, value: { flowRef, ...(wrapped.success ? wrapped.data : { inputs: decoded.value, options: {} }) } };
}
