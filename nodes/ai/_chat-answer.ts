/** What a chat endpoint answers: whole, or piece by piece as server-sent events. */
import { createParser } from "eventsource-parser";
import { z } from "../../actors/sdk.ts";
import { ModelFailure } from "./_model-failure.ts";

export interface ChatAnswer {
  readonly content: string;
  /** What a reasoning model says apart from its answer. */
  readonly reasoning: string;
  readonly finishReason: string;
  readonly model: string;
  /** Undefined when the server does not say. */
  readonly usage: Usage | undefined;
  readonly standIn: boolean;
}

export interface Usage {
  readonly prompt_tokens: number;
  readonly completion_tokens: number;
  readonly total_tokens: number;
}

/** By this a stand-in makes itself known. */
export const STAND_IN_FINGERPRINT = "rayflow-stand-in";

const usage = z
  .object({ prompt_tokens: z.number(), completion_tokens: z.number().default(0), total_tokens: z.number().optional() })
  .transform((counted) => ({ ...counted, total_tokens: counted.prompt_tokens + counted.completion_tokens }));
const message = z.object({
  content: z.string().nullish(),
  reasoning_content: z.string().nullish(),
  reasoning: z.string().nullish(),
});
const common = { model: z.string().optional(), usage: usage.nullish(), system_fingerprint: z.string().nullish() };
const whole = z.object({
  ...common,
  choices: z.array(z.object({ message, finish_reason: z.string().nullish() })).min(1),
});
const piece = z.object({
  ...common,
  choices: z.array(z.object({ delta: message.optional(), finish_reason: z.string().nullish() })).default([]),
});
const failure = z.object({ error: z.union([z.string(), z.looseObject({ message: z.string().optional() })]) });

const MAX_BYTES = 4 * 1024 * 1024;

/** @throws ModelFailure when it is too large, or no answer */
export async function readWhole(body: AsyncIterable<Uint8Array>): Promise<ChatAnswer> {
  const text = await readText(body);
  const parsed = whole.safeParse(readJson(text));
  const [choice] = parsed.data?.choices ?? [];
  if (!parsed.success || choice === undefined) {
    throw new ModelFailure(`the answer is no chat completion: ${text.slice(0, 200)}`, { retryable: true });
  }
  const { model = "", usage: counted, system_fingerprint } = parsed.data;
  return {
    content: choice.message.content ?? "",
    reasoning: choice.message.reasoning_content ?? choice.message.reasoning ?? "",
    finishReason: choice.finish_reason ?? "stop",
    model,
    usage: counted ?? undefined,
    standIn: system_fingerprint === STAND_IN_FINGERPRINT,
  };
}

/** Calls `onToken` with each piece of the answer. @throws ModelFailure, also when the stream breaks off */
export async function readStream(
  body: AsyncIterable<Uint8Array>,
  onToken: (text: string) => void,
): Promise<ChatAnswer> {
  let [content, reasoning, model, finishReason] = ["", "", "", ""];
  let counted: Usage | undefined;
  let standIn = false;
  let done = false;
  let wrong: ModelFailure | undefined;
  const onData = (data: string): void => {
    if (data === "[DONE]") {
      done = true;
      return;
    }
    const json = readJson(data);
    const failed = failure.safeParse(json);
    const parsed = piece.safeParse(json);
    if (failed.success || !parsed.success) {
      wrong ??= new ModelFailure(`the stream holds what is no piece of an answer: ${data.slice(0, 200)}`, {
        retryable: true,
      });
      return;
    }
    const [choice] = parsed.data.choices;
    const token = choice?.delta?.content ?? "";
    content += token;
    reasoning += choice?.delta?.reasoning_content ?? choice?.delta?.reasoning ?? "";
    if (token !== "") onToken(token);
    model ||= parsed.data.model ?? "";
    finishReason = choice?.finish_reason ?? finishReason;
    counted = parsed.data.usage ?? counted;
    standIn ||= parsed.data.system_fingerprint === STAND_IN_FINGERPRINT;
  };
  const parser = createParser({ onEvent: ({ data }) => onData(data) });
  const decoder = new TextDecoder();
  for await (const chunk of limited(body)) {
    parser.feed(decoder.decode(chunk, { stream: true }));
    if (wrong !== undefined) throw wrong;
  }
  if (!done && finishReason === "") throw new ModelFailure("the stream broke off", { retryable: true });
  return { content, reasoning, finishReason: finishReason || "stop", model, usage: counted, standIn };
}

export async function readText(body: AsyncIterable<Uint8Array>): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of limited(body)) text += decoder.decode(chunk, { stream: true });
  return text + decoder.decode();
}

async function* limited(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let size = 0;
  for await (const chunk of body) {
    size += chunk.length;
    if (size > MAX_BYTES) throw new ModelFailure(`the answer is larger than ${MAX_BYTES} bytes`, { retryable: false });
    yield chunk;
  }
}

function readJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
