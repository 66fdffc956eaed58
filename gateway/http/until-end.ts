/** Waits for the end of a run that somebody else started. */
import type { Msg, NatsConnection } from "@nats-io/transport-node";
import { decodeMessage, type RunResult, runEvent, subjects } from "../../nats/index.ts";
import type { RunDirectory } from "../run-directory.ts";

export interface UntilEndOptions {
  /** 0: only looks. */
  readonly waitMs: number;
  /** End the waiting. */
  readonly signals: readonly AbortSignal[];
}

/** The news of the end may be lost, or have come just before anybody listened: soon, then ever later, it is looked for, ms. */
const FIRST_LOOK_MS = 50;
const LONGEST_LOOK_MS = 2_000;

/** How the run ended; undefined when it goes on after `waitMs`. @throws RunNotFound */
export async function untilEnd(
  nc: NatsConnection,
  runs: RunDirectory,
  id: string,
  { waitMs, signals }: UntilEndOptions,
): Promise<RunResult | undefined> {
  const until = performance.now() + waitMs;
  let wake = (): void => {};
  let over = false;
  let told: RunResult | undefined;
  const end = (): void => {
    over = true;
    wake();
  };
  for (const signal of signals) signal.addEventListener("abort", end, { once: true });
  const hear = (error: Error | null, { data }: Msg): void => {
    const event = error === null ? decodeMessage(runEvent, data) : undefined;
    if (event?.ok && event.value.kind === "finished") told = event.value.result;
    wake();
  };
  const news = waitMs > 0 ? nc.subscribe(subjects.event(id, "finished"), { callback: hear }) : undefined;
  try {
    for (let lookMs = FIRST_LOOK_MS; ; lookMs = Math.min(2 * lookMs, LONGEST_LOOK_MS)) {
      // The news may be here before the log has it.
      const result = told ?? (await runs.result(id));
      const left = until - performance.now();
      if (result !== undefined || left <= 0 || over || nc.isClosed()) return result;
      await new Promise<void>((done) => {
        const timer = setTimeout(done, Math.min(left, lookMs));
        wake = () => {
          clearTimeout(timer);
          done();
        };
      });
    }
  } finally {
    for (const signal of signals) signal.removeEventListener("abort", end);
    if (!nc.isClosed()) news?.unsubscribe();
  }
}
