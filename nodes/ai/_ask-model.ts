/**
 * Asks a model until it answers: with retries, fail-over and the limits of everybody concerned.
 *
 * M1. All tries with their waits end by `total_timeout`, the caller's deadline and the attempt's own, whichever is first.
 * M2. What is refused for its own fault is not asked again; what an endpoint could not do is asked of another one first.
 * M3. Tokens that were used are counted, also those of answers that were thrown away.
 * M4. A cancelled run aborts the request in flight.
 */
import { setTimeout as delay } from "node:timers/promises";
import { durationMs, type NodeContext, RayflowError } from "../../actors/sdk.ts";
import type { ChatAnswer, Usage } from "./_chat-answer.ts";
import { type ChatMessage, requestChat } from "./_chat-request.ts";
import { candidates, choose, type Endpoint, failedBy, leave, succeeded } from "./_endpoints.ts";
import { type Guarded, permit } from "./_guards.ts";
import { checkOutput } from "./_json-output.ts";
import type { ModelConfig } from "./_model-config.ts";
import { ModelFailure } from "./_model-failure.ts";
import { backoffMs } from "./_retry-wait.ts";
import { type StreamedBy, tokenStream } from "./_token-stream.ts";

export interface Question {
  readonly messages: readonly ChatMessage[];
  readonly config: ModelConfig;
  /** Whose limits count. */
  readonly tenant: string;
  /** Ms since 1970, beside the limits in the config. */
  readonly deadlineAt?: number | undefined;
  /** Tokens that all questions of this run may use together. */
  readonly budgetTokens?: number | undefined;
  /** Whose tokens are published; undefined: nobody's. */
  readonly streamedBy?: StreamedBy | undefined;
}

export interface Answer extends Omit<ChatAnswer, "usage"> {
  /** Of the answer that counts. */
  readonly usage: Usage;
  /** What it is by the schema in the config; null without one. */
  readonly json: unknown;
  readonly endpoint: string;
  /** How many requests it took. */
  readonly attempts: number;
}

/** Room for the result to be sent before the attempt's time is over, ms; of a short attempt a tenth. */
const MARGIN_MS = 500;
/** Fewer tokens are no answer. */
const LEAST_ANSWER_TOKENS = 16;

/**
 * @throws ModelError, ModelUnavailable, ModelOutputInvalid, LimitReached, BudgetExceeded, AddressNotAllowed,
 *   ValidationError; the signal's reason
 */
export async function askModel(ctx: NodeContext, question: Question): Promise<Answer> {
  const { config, budgetTokens, deadlineAt = Number.POSITIVE_INFINITY } = question;
  const { models } = ctx.resources;
  const model = config.model ?? models.defaultModel ?? "";
  const endpoints = candidates(models, config.url, model);
  const now = Date.now();
  const attemptEnds = ctx.deadline - Math.min(MARGIN_MS, (ctx.deadline - now) / 10);
  const until = Math.min(now + durationMs(config.total_timeout), deadlineAt, attemptEnds);
  const promptTokens = estimateTokens(question.messages.map(({ content }) => content).join("\n"));
  const guarded: Guarded = { signal: ctx.signal, until, tokens: promptTokens + config.max_tokens };
  if (until <= now) throw new RayflowError("NodeTimeout", "the deadline has passed", { retryable: false });
  const run = { ctx, question, model, endpoints, until, promptTokens };
  if (budgetTokens === undefined || budgetTokens <= 0) return (await tryAll(run, guarded)).answer();
  const reserved = await models.limits.reserve(
    ctx.runId,
    {
      holder: ctx.idempotencyKey,
      limit: budgetTokens,
      least: promptTokens + Math.min(LEAST_ANSWER_TOKENS, config.max_tokens),
      wanted: guarded.tokens,
    },
    guarded,
  );
  const most = Math.max(1, reserved.granted - promptTokens);
  const shorter = { ...run, question: { ...question, config: { ...config, max_tokens: most } } };
  const tried = await tryAll(shorter, { ...guarded, tokens: reserved.granted });
  await reserved.settle(tried.tokens);
  return tried.answer();
}

interface Tries {
  readonly ctx: NodeContext;
  readonly question: Question;
  readonly model: string;
  readonly endpoints: readonly Endpoint[];
  readonly until: number;
  readonly promptTokens: number;
}

/** What came of all tries: the tokens that they used, and the answer or the reason why there is none. */
interface Tried {
  readonly tokens: number;
  answer(): Answer;
}

async function tryAll(tries: Tries, guarded: Guarded): Promise<Tried> {
  const { ctx, question, endpoints } = tries;
  const failed = new Map<string, number>();
  let tokens = 0;
  try {
    for (let attempt = 1; ; attempt++) {
      const endpoint = await nextEndpoint(tries, failed);
      const got = await tryOnce(tries, guarded, endpoint, attempt);
      const last = attempt >= question.config.max_attempts;
      if (got instanceof ModelFailure) {
        failed.set(endpoint.name, (failed.get(endpoint.name) ?? 0) + 1);
        ctx.log.warn("a model's endpoint failed", { endpoint: endpoint.url.host, attempt, reason: got.message });
        if (last || !got.retryable) throw asRayflowError(got, attempt);
        const untried = endpoints.some(({ name, health }) => !failed.has(name) && health.restingUntil <= Date.now());
        if (!untried) await pause(backoffMs(attempt), tries, got);
        continue;
      }
      tokens += got.usage.total_tokens;
      const { problems, ...answer } = got;
      if (problems === undefined) {
        return { tokens, answer: () => ({ ...answer, endpoint: endpoint.url.host, attempts: attempt }) };
      }
      const excerpt = got.content.slice(0, 300);
      ctx.log.warn("the model's answer does not fit the schema", { attempt, problems, excerpt });
      if (last) {
        const message = `the answer does not fit the schema after ${attempt} tries: ${problems.join("; ")}`;
        throw new RayflowError("ModelOutputInvalid", message, { details: { problems, attempts: attempt, excerpt } });
      }
    }
  } catch (error) {
    return {
      tokens,
      answer: () => {
        throw error;
      },
    };
  }
}

/** One request under all limits; a failure that another request may mend is given, not thrown. */
async function tryOnce(
  tries: Tries,
  guarded: Guarded,
  endpoint: Endpoint,
  attempt: number,
): Promise<Got | ModelFailure> {
  const { ctx } = tries;
  const { models } = ctx.resources;
  const asked = performance.now();
  const permitted = await permit(models, tries.question.tenant, endpoint, guarded).catch((error: unknown) => {
    leave(endpoint);
    throw error;
  });
  const { host } = endpoint.url;
  models.observer.waited(host, (performance.now() - asked) / 1_000);
  const ended = models.observer.request(host);
  let used = 0;
  try {
    const got = await request(tries, endpoint, attempt);
    used = got.usage.total_tokens;
    succeeded(endpoint);
    ended("ok");
    models.observer.tokens(host, got.usage);
    return got;
  } catch (error) {
    ended(ctx.signal.aborted ? "cancelled" : statusOf(error));
    if (!(error instanceof ModelFailure)) throw error;
    await failedBy(models, endpoint, error);
    return error;
  } finally {
    leave(endpoint);
    await permitted.done(used);
  }
}

function statusOf(error: unknown): string {
  return String((error instanceof ModelFailure ? error.status : undefined) ?? "unreachable");
}

/** Waits until an endpoint is open that has not asked to be left alone. */
async function nextEndpoint(tries: Tries, failed: ReadonlyMap<string, number>): Promise<Endpoint> {
  for (;;) {
    tries.ctx.signal.throwIfAborted();
    const chosen = await choose(tries.ctx.resources.models, tries.endpoints, failed);
    if (!("waitMs" in chosen)) return chosen;
    await pause(chosen.waitMs, tries, new ModelFailure("every endpoint rests after failures", { retryable: true }));
  }
}

async function pause(ms: number, { ctx, until }: Tries, because: ModelFailure): Promise<void> {
  if (Date.now() + ms >= until) {
    const message = `no endpoint answered in time: ${because.message}`;
    throw new RayflowError("ModelUnavailable", message, { details: { wait_ms: Math.ceil(ms) } });
  }
  await delay(ms, undefined, { signal: ctx.signal }).catch(() => ctx.signal.throwIfAborted());
}

type Got = Omit<Answer, "endpoint" | "attempts"> & { readonly problems?: readonly string[] };

async function request(tries: Tries, endpoint: Endpoint, attempt: number): Promise<Got> {
  const { ctx, question, model, until, promptTokens } = tries;
  const { config, messages, streamedBy } = question;
  const wholeMs = durationMs(config.timeout);
  const stream = tokenStream(ctx, streamedBy, attempt, model);
  try {
    const answer = await requestChat({
      url: endpoint.url,
      trusted: endpoint.own !== undefined,
      resources: ctx.resources,
      apiKey: config.api_key ?? endpoint.own?.api_key,
      body: bodyOf(model, messages, config, streamedBy !== undefined),
      stream: streamedBy !== undefined,
      requestId: `${ctx.idempotencyKey}/${ctx.attempt}.${attempt}`,
      timeoutMs: Math.max(1, Math.min(wholeMs, until - Date.now())),
      wholeTimeout: until - Date.now() >= wholeMs,
      signal: ctx.signal,
      onToken: stream.token,
    });
    const usage = answer.usage ?? countedHere(promptTokens, answer);
    stream.completed(usage, answer.model || model);
    const got = { ...answer, model: answer.model || model, usage, json: null };
    if (config.json_schema === undefined) return got;
    const checked = await checkOutput(answer.content, config.json_schema);
    return checked.ok ? { ...got, json: checked.value } : { ...got, problems: checked.problems };
  } catch (error) {
    const code = error instanceof RayflowError ? error.code : "ModelError";
    stream.failed({ code, message: error instanceof Error ? error.message : String(error) });
    throw error;
  }
}

function bodyOf(
  model: string,
  messages: readonly ChatMessage[],
  config: ModelConfig,
  stream: boolean,
): Record<string, unknown> {
  const { temperature, top_p, seed, max_tokens, stop, json_schema } = config;
  return {
    model,
    messages,
    max_tokens,
    ...(temperature === undefined ? {} : { temperature }),
    ...(top_p === undefined ? {} : { top_p }),
    ...(seed === undefined ? {} : { seed }),
    ...(stop === undefined ? {} : { stop }),
    ...(json_schema === undefined
      ? {}
      : {
          response_format: { type: "json_schema", json_schema: { name: "answer", schema: json_schema, strict: true } },
        }),
    ...(stream ? { stream: true, stream_options: { include_usage: true } } : {}),
  };
}

function asRayflowError(failure: ModelFailure, attempts: number): RayflowError {
  const status = failure.status === undefined ? {} : { status: failure.status };
  const code = failure.retryable ? "ModelUnavailable" : "ModelError";
  return new RayflowError(code, failure.message, { cause: failure, details: { ...status, attempts } });
}

/** About four letters are a token: for what no server has counted. */
function estimateTokens(text: string): number {
  return Math.ceil(text.length / 4) + 8;
}

function countedHere(prompt: number, { content, reasoning }: ChatAnswer): Usage {
  const completion = estimateTokens(content + reasoning);
  return { prompt_tokens: prompt, completion_tokens: completion, total_tokens: prompt + completion };
}
