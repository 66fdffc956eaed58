/** The limits that one request stands under: its tenant's, its endpoint's, its deliberation's budget. */
import type { ModelAccess, TenantLimits } from "../../actors/sdk.ts";
import type { Endpoint } from "./_endpoints.ts";

export interface Guarded {
  readonly signal: AbortSignal;
  /** Ms since 1970. */
  readonly until: number;
  /** What the request may use, as far as one can say before. */
  readonly tokens: number;
}

export interface Permit {
  /** Gives back the places that were taken, and says what was used in truth. */
  done(usedTokens: number): Promise<void>;
}

/** The limits of a tenant; those of `*` for one that is not named. */
export function limitsOf(models: ModelAccess, tenant: string): TenantLimits {
  const named = Object.hasOwn(models.tenants, tenant) ? models.tenants[tenant] : undefined;
  return named ?? models.tenants["*"] ?? {};
}

/** Waits until the request may be made. Costs nothing where nothing is limited. @throws LimitReached; the signal's reason */
export async function permit(
  models: ModelAccess,
  tenant: string,
  endpoint: Endpoint,
  request: Guarded,
): Promise<Permit> {
  const ends: ((used: number) => Promise<void>)[] = [];
  const done = async (used: number): Promise<void> => {
    // In any order; what cannot be given back expires.
    await Promise.all(ends.splice(0).map((end) => end(used).catch(() => {})));
  };
  try {
    await take(models, `tenant ${tenant}`, limitsOf(models, tenant), request, ends);
    if (endpoint.own !== undefined) await take(models, endpoint.name, endpoint.own, request, ends);
    return { done };
  } catch (error) {
    await done(0);
    throw error;
  }
}

async function take(
  { limits }: ModelAccess,
  name: string,
  { max_concurrency, requests_per_minute, tokens_per_minute }: TenantLimits,
  request: Guarded,
  ends: ((used: number) => Promise<void>)[],
): Promise<void> {
  // A place is the last to be had: who waits for a turn holds none.
  if (requests_per_minute !== undefined) {
    await limits.turn(`${name} requests`, { perMinute: requests_per_minute }, 1, request);
  }
  if (tokens_per_minute !== undefined) {
    const rate = { perMinute: tokens_per_minute };
    await limits.turn(`${name} tokens`, rate, request.tokens, request);
    ends.push((used) => limits.charge(`${name} tokens`, rate, used - request.tokens));
  }
  if (max_concurrency !== undefined) {
    const slot = await limits.slot(name, max_concurrency, request);
    ends.push(() => slot.release());
  }
}
