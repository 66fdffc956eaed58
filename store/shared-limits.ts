/**
 * Limits that all processes on a server keep together: slots, rates, budgets, and marks that pass by themselves.
 *
 * L1. Nothing is asked of the server for a limit that nobody set.
 * L2. A rate is a reservation: who asked gets a time, in the order of asking across all processes, and waits until then.
 *     Its clock is that of the processes: clocks that differ by a second shift a reservation by a second.
 * L3. A budget is never overspent by what was reserved: who does not fit waits for reservations to be settled.
 */
import { setTimeout as delay } from "node:timers/promises";
import type { NatsConnection } from "@nats-io/transport-node";
import { z } from "zod";
import { RayflowError } from "../flow/index.ts";
import { safeToken } from "../nats/index.ts";
import { LimitsBucket } from "./limits-bucket.ts";
import { SharedSlots, type Slot, type Wait } from "./shared-slots.ts";

export interface Rate {
  /** How much a minute allows. */
  readonly perMinute: number;
  /** How much may come at once after a pause. Default: what ten seconds allow, and 1 at least. */
  readonly burst?: number | undefined;
}

export interface Reservation {
  /** What may be spent: all that was wanted, or what is left. */
  readonly granted: number;
  /** Says what was spent in truth. */
  settle(spent: number): Promise<void>;
}

export interface BudgetRequest {
  /** The same for every attempt of one piece of work: a repetition takes the place of what was reserved before. */
  readonly holder: string;
  readonly limit: number;
  /** Less than this is of no use. */
  readonly least: number;
  readonly wanted: number;
}

const rateEntry = z.object({
  v: z.literal(1),
  /** When all that was reserved is used up, ms since 1970. */
  due: z.number(),
});
const budgetEntry = z.object({
  v: z.literal(1),
  spent: z.number(),
  /** By holder: how much is reserved, and until when at most (ms since 1970). */
  open: z.record(z.string(), z.tuple([z.number(), z.number()])),
});

const BUDGET_TTL_MS = 24 * 60 * 60 * 1_000;
const RATE_MARGIN_MS = 60_000;
const FIRST_LOOK_MS = 50;
const LONGEST_LOOK_MS = 1_000;

export class SharedLimits {
  readonly #bucket: LimitsBucket;
  readonly #slots: SharedSlots;

  /** `slotTtlMs`: how long a slot outlives a holder that died. Default 15 000, whole seconds. */
  constructor(nc: NatsConnection, { slotTtlMs }: { readonly slotTtlMs?: number } = {}) {
    this.#bucket = new LimitsBucket(nc);
    this.#slots = new SharedSlots(this.#bucket, slotTtlMs);
  }

  /** One of `max` places of this name. @throws LimitReached; the signal's reason */
  slot(name: string, max: number, wait: Wait): Promise<Slot> {
    return this.#slots.take(name, max, wait);
  }

  /** How many places of this name are taken, as far as this process knows. */
  slotsTaken(name: string): number {
    return this.#slots.taken(name);
  }

  /**
   * Waits for its turn under a rate. What was reserved is gone also when the signal aborts.
   * @throws LimitReached, at once, when the turn would come after `until`; the signal's reason
   */
  async turn(name: string, rate: Rate, amount: number, { signal, until }: Wait): Promise<void> {
    const perUnitMs = 60_000 / rate.perMinute;
    const burst = Math.max(amount, rate.burst ?? Math.max(1, rate.perMinute / 6));
    const waitMs = await this.#bucket.update(rateKey(name), rateEntry, (before) => {
      const now = Date.now();
      const due = Math.max(before?.due ?? 0, now) + amount * perUnitMs;
      const turnIn = Math.max(0, due - burst * perUnitMs - now);
      if (now + turnIn > until) return { result: undefined };
      return { result: turnIn, write: { v: 1 as const, due }, ttlMs: due - now + RATE_MARGIN_MS };
    });
    if (waitMs === undefined) {
      throw new RayflowError("LimitReached", `${name}: ${rate.perMinute} a minute are used up`, { retryable: true });
    }
    signal.throwIfAborted();
    if (waitMs > 0) await delay(waitMs, undefined, { signal }).catch(() => signal.throwIfAborted());
  }

  /** Takes what was used beyond what `turn` reserved; negative: gives back. Waits for nothing. */
  async charge(name: string, rate: Rate, amount: number): Promise<void> {
    if (amount === 0) return;
    await this.#bucket.update(rateKey(name), rateEntry, (before) => {
      const now = Date.now();
      const due = Math.max(now, Math.max(before?.due ?? 0, now) + (amount * 60_000) / rate.perMinute);
      return { result: undefined, write: { v: 1 as const, due }, ttlMs: due - now + RATE_MARGIN_MS };
    });
  }

  /** Reserves a part of a budget. @throws BudgetExceeded when what is left is less than the least; the signal's reason */
  async reserve(name: string, request: BudgetRequest, { signal, until }: Wait): Promise<Reservation> {
    const { holder, limit, least, wanted } = request;
    const key = `budget.${safeToken(name)}`;
    for (let lookMs = FIRST_LOOK_MS; ; lookMs = Math.min(2 * lookMs, LONGEST_LOOK_MS)) {
      signal.throwIfAborted();
      const found = await this.#bucket.update(key, budgetEntry, (before) => {
        const now = Date.now();
        const spent = before?.spent ?? 0;
        const others = Object.entries(before?.open ?? {}).filter(([who, [, ends]]) => who !== holder && ends > now);
        const reserved = others.reduce((sum, [, [amount]]) => sum + amount, 0);
        const granted = Math.min(wanted, limit - spent - reserved);
        if (granted < least) return { result: { granted: 0, spent, mayCome: limit - spent >= least } };
        const open = { ...Object.fromEntries(others), [holder]: [granted, until] as [number, number] };
        return {
          result: { granted, spent, mayCome: true },
          write: { v: 1 as const, spent, open },
          ttlMs: BUDGET_TTL_MS,
        };
      });
      if (found.granted > 0) return { granted: found.granted, settle: (spent) => this.#settle(key, holder, spent) };
      if (!found.mayCome || Date.now() >= until) {
        const message = `the budget of ${limit} tokens is used up: ${found.spent} spent, at least ${least} wanted`;
        throw new RayflowError("BudgetExceeded", message, { details: { limit, spent: found.spent, wanted: least } });
      }
      await delay(lookMs, undefined, { signal }).catch(() => signal.throwIfAborted());
    }
  }

  /** Sets a mark that passes after so long. */
  async mark(name: string, ttlMs: number): Promise<void> {
    await this.#bucket.write(markKey(name), { v: 1 }, ttlMs);
  }

  /** Whether a mark stands. */
  async isMarked(name: string): Promise<boolean> {
    return (await this.#bucket.read(markKey(name))).data !== undefined;
  }

  close(): Promise<void> {
    return this.#slots.close();
  }

  async #settle(key: string, holder: string, amount: number): Promise<void> {
    await this.#bucket.update(key, budgetEntry, (before) => {
      const { [holder]: _mine, ...open } = before?.open ?? {};
      const write = { v: 1 as const, spent: (before?.spent ?? 0) + amount, open };
      return { result: undefined, write, ttlMs: BUDGET_TTL_MS };
    });
  }
}

const rateKey = (name: string): string => `rate.${safeToken(name)}`;
const markKey = (name: string): string => `mark.${safeToken(name)}`;
