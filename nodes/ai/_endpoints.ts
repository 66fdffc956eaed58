/**
 * Which endpoint a request goes to: one that works, and of those the one with the least to do.
 *
 * E1. An endpoint that asked to be left alone is, until its time is over.
 * E2. After several failures in a row an endpoint is closed for all actors for a while. The first failure after that
 *     closes it again.
 * E3. What this process knows of an endpoint outlives a run; it goes with the actor.
 */
import { type ModelAccess, type ModelEndpoint, RayflowError } from "../../actors/sdk.ts";
import { chatUrl } from "./_chat-request.ts";
import type { ModelFailure } from "./_model-failure.ts";

const FAILURES_TO_CLOSE = 5;
const CLOSED_MS = 15_000;
/** How long the shared word that an endpoint is closed, or is not, is believed, ms. */
const BELIEVED_MS = 1_000;

/** What this process knows of one endpoint. */
interface Health {
  inFlight: number;
  /** In a row. */
  failures: number;
  /** Ms since 1970: not before. */
  restingUntil: number;
  askedAt: number;
}

export interface Endpoint {
  readonly url: URL;
  /** One of the deployment's: it may be at a private address. */
  readonly own: ModelEndpoint | undefined;
  /** What limits and marks are kept under. */
  readonly name: string;
  readonly health: Health;
}

const known = new WeakMap<ModelAccess, Map<string, Health>>();

/**
 * The endpoints that a request may go to. `url`: those that it names, with commas; undefined: the deployment's that serve
 * the model.
 * @throws ModelError when there is none, ValidationError
 */
export function candidates(models: ModelAccess, url: string | undefined, model: string): Endpoint[] {
  const healths = known.get(models) ?? new Map<string, Health>();
  known.set(models, healths);
  const make = (address: URL, own: ModelEndpoint | undefined): Endpoint => {
    const name = address.href;
    const health = healths.get(name) ?? { inFlight: 0, failures: 0, restingUntil: 0, askedAt: 0 };
    healths.set(name, health);
    return { url: address, own, name, health };
  };
  const named = (url ?? "").split(",").flatMap((one) => (one.trim() === "" ? [] : [chatUrl(one.trim())]));
  if (named.length > 0) {
    return named.map((address) =>
      make(
        address,
        models.endpoints.find((own) => new URL(own.url).origin === address.origin),
      ),
    );
  }
  const serving = models.endpoints.filter((own) => own.models === undefined || own.models.includes(model));
  if (serving.length === 0) {
    const why = models.endpoints.length === 0 ? "none is set (VLLM_URL, RAYFLOW_MODEL_ENDPOINTS)" : `none has ${model}`;
    throw new RayflowError("ModelError", `no endpoint to ask: ${why}`, { retryable: false });
  }
  return serving.map((own) => make(chatUrl(own.url), own));
}

/** The endpoint for the next try, until `leave`; or how long to wait for one, ms. `failed`: by name, how often each failed this request. */
export async function choose(
  models: ModelAccess,
  endpoints: readonly Endpoint[],
  failed: ReadonlyMap<string, number>,
): Promise<Endpoint | { readonly waitMs: number }> {
  await Promise.all(endpoints.map((endpoint) => askWhetherClosed(models, endpoint)));
  const now = Date.now();
  const ready = endpoints.filter(({ health }) => health.restingUntil <= now);
  if (ready.length === 0) return { waitMs: Math.min(...endpoints.map(({ health }) => health.restingUntil - now)) };
  const load = ({ name, own, health }: Endpoint): number => {
    if (own?.max_concurrency === undefined) return health.inFlight;
    return Math.max(health.inFlight, models.limits.slotsTaken(name)) / own.max_concurrency;
  };
  const ranked = ready.map((endpoint) => ({
    endpoint,
    failures: failed.get(endpoint.name) ?? 0,
    load: load(endpoint),
    lot: Math.random(),
  }));
  ranked.sort((a, b) => a.failures - b.failures || a.load - b.load || a.lot - b.lot);
  const [best] = ranked;
  if (best === undefined) return { waitMs: 0 };
  // In the same turn as the choice, so that who chooses next sees it.
  best.endpoint.health.inFlight++;
  return best.endpoint;
}

/** The request to a chosen endpoint is over. */
export function leave({ health }: Endpoint): void {
  health.inFlight--;
}

export function succeeded({ health }: Endpoint): void {
  health.failures = 0;
}

export async function failedBy(models: ModelAccess, endpoint: Endpoint, failure: ModelFailure): Promise<void> {
  const { health, name } = endpoint;
  const now = Date.now();
  if (failure.retryAfterMs !== undefined) {
    health.restingUntil = Math.max(health.restingUntil, now + failure.retryAfterMs);
  }
  if (!failure.endpointDown || ++health.failures < FAILURES_TO_CLOSE) return;
  health.failures = FAILURES_TO_CLOSE - 1;
  health.restingUntil = Math.max(health.restingUntil, now + CLOSED_MS);
  // Others find out by themselves when it cannot be said.
  await models.limits.mark(markOf(name), CLOSED_MS).catch(() => {});
}

/** Whether another actor closed it. Asked only of a deployment's own endpoints: those of a flow are nobody else's. */
async function askWhetherClosed(models: ModelAccess, { own, name, health }: Endpoint): Promise<void> {
  const now = Date.now();
  if (own === undefined || health.askedAt + BELIEVED_MS > now) return;
  health.askedAt = now;
  const closed = await models.limits.isMarked(markOf(name)).catch(() => false);
  if (closed) health.restingUntil = Math.max(health.restingUntil, now + BELIEVED_MS);
}

const markOf = (name: string): string => `closed ${name}`;
