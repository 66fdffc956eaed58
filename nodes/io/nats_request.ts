import { any, defineNode, duration, durationMs, RayflowError, toErrorInfo, z } from "../../actors/sdk.ts";
import { checkSubject } from "./_subject.ts";

export default defineNode({
  type: "io_nats_request",
  title: "NATS request",
  category: "io",
  description: "Sends the payload as JSON to a subject and waits for the reply; a JSON reply is parsed.",
  inputs: { payload: any() },
  outputs: { response: any() },
  config: z.object({ subject: z.string().min(1), timeout: duration.default("5s") }),
  async run({ inputs, config, ctx }) {
    checkSubject(config.subject);
    const payload = new TextEncoder().encode(JSON.stringify(inputs.payload));
    const asked = ctx.resources.request(config.subject, payload, durationMs(config.timeout)).catch((cause) => {
      const message = `no reply from ${config.subject}: ${toErrorInfo(cause).message}`;
      throw new RayflowError("NatsRequestFailed", message, { retryable: true, cause });
    });
    return { response: parse(await unlessAborted(asked, ctx.signal)) };
  },
});

function parse(reply: Uint8Array): unknown {
  const text = new TextDecoder().decode(reply);
  if (text === "") return null;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted();
  let stop = (): void => undefined;
  const aborted = new Promise<never>((_, reject) => {
    stop = () => reject(signal.reason);
    signal.addEventListener("abort", stop, { once: true });
  });
  return Promise.race([work, aborted]).finally(() => signal.removeEventListener("abort", stop));
}
