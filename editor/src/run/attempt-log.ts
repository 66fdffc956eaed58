/** Keeps apart the attempts of activations, and knows which activation an execution id speaks of. */
import type { NodeResult } from "../../../nats/messages.ts";
import type { ErrorInfo } from "../api/answers.ts";
import type { ActivationFrame, AttemptFrame } from "./frame.ts";

type Attempts = readonly AttemptFrame[];

export class AttemptLog {
  /** Keys of activations by the execution ids that are not answered. */
  readonly #expected = new Map<string, string>();

  expect(execution: string, key: string): void {
    this.#expected.set(execution, key);
  }

  /** The activation that waits for this execution; told once, since a result counts once. */
  keyOf(execution: string): string | undefined {
    const key = this.#expected.get(execution);
    this.#expected.delete(execution);
    return key;
  }

  begun(attempts: Attempts, number: number, queuedMs: number): Attempts {
    if (attempts.at(-1)?.number === number) return attempts;
    return [...attempts, { ...blank, number, queuedMs }];
  }

  /** With the answer in the attempt that it is for; the same list when that attempt was over before. */
  answered(attempts: Attempts, result: NodeResult, endedMs: number): Attempts {
    const number = Number(/#(\d+)$/.exec(result.id)?.[1]);
    const at = attempts.findIndex((attempt) => attempt.number === number && attempt.state === "running");
    const attempt = attempts[at];
    if (!attempt) return attempts;
    // Another machine's clock: never before it was sent, never after its result was stored.
    const startedMs = Math.min(Math.max(result.started_at, attempt.queuedMs), endedMs);
    return attempts.with(at, {
      ...attempt,
      startedMs,
      endedMs,
      state: result.status === "ok" ? "completed" : "failed",
      workedMs: result.duration_ms,
      error: result.error,
      actor: result.actor,
      cached: result.cached === true,
    });
  }

  /** With the last attempt ended, unless it is. */
  closed(
    attempts: Attempts,
    state: "completed" | "failed" | "cancelled",
    endedMs: number,
    error: ErrorInfo | undefined,
  ): Attempts {
    const last = attempts.at(-1);
    if (last?.state !== "running") return attempts;
    return attempts.with(-1, { ...last, state, endedMs, error });
  }

  /** The one attempt of what the run machine did itself. */
  ofMachine(frame: ActivationFrame, state: "completed" | "failed", endedMs: number): Attempts {
    const { readyMs, error } = frame;
    return [{ ...blank, number: 1, queuedMs: readyMs, startedMs: readyMs, endedMs, state, error }];
  }
}

const blank = {
  startedMs: undefined,
  endedMs: undefined,
  state: "running",
  workedMs: undefined,
  error: undefined,
  actor: undefined,
  cached: false,
} as const;
