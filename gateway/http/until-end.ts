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

/** The news of the end may be lost: then it is found this much later, ms. */
const LOOK_AGAIN_MS = 2_000;

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
    for (;;) {
      // The news may be here before the log has it.
      const result = told ?? (await runs.result(id));
      const left = until - performance.now();
      if (result !== undefined || left <= 0 || over || nc.isClosed()) return result;
      await new Promise<void>((done) => {
        const timer = setTimeout(done, Math.min(left, LOOK_AGAIN_MS));
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
