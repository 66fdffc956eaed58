/**
 * Looks at a run from outside: what it says of its nodes must follow from the log, whatever the machine thinks. It knows
 * the rules alone, not the machine's state.
 *
 * C1. An activation completes, is skipped or is cancelled once; after that nothing is said of it any more.
 * C2. Only the first result of an execution moves it, and only while that attempt is the current one.
 * C3. A node whose work an actor does completes by an `ok` result of just that attempt, in the message of that moment.
 * C4. It is tried again, or fails, by a failure that this message tells of.
 */
import type { NodeEvent, RunMessage } from "../../nats/index.ts";
import type { LogEntry } from "../run/fold.ts";

const FINAL = new Set(["completed", "skipped", "cancelled"]);
/** Failures that the run finds itself, when a node's turn comes. */
const OWN_FAILURES = new Set(["DataNotAvailable", "ValidationError", "IterationLimitExceeded"]);

/** What one message of the log says that is news. */
interface Said {
  /** Executions with their first result. */
  readonly first: ReadonlyMap<string, "ok" | "error">;
  readonly message: RunMessage | undefined;
}

export class Causes {
  readonly #run: string;
  /** Types whose work an actor does. */
  readonly #actorTypes: ReadonlySet<string>;
  readonly #answered = new Set<string>();
  readonly #final = new Map<string, string>();
  #said: Said = { first: new Map(), message: undefined };

  constructor(run: string, actorTypes: ReadonlySet<string>) {
    this.#run = run;
    this.#actorTypes = actorTypes;
  }

  /** The next message that concerns the run. */
  read(entry: LogEntry): void {
    const first = new Map<string, "ok" | "error">();
    for (const result of entry.kind === "result" ? entry.message.results : []) {
      if (result.run !== this.#run || this.#answered.has(result.id)) continue;
      this.#answered.add(result.id);
      first.set(result.id, result.status);
    }
    const message = entry.kind === "run" ? entry.message : undefined;
    if (message?.kind === "undeliverable") first.set(message.id, "error");
    this.#said = { first, message };
  }

  /** What is wrong with the news that this message brought; undefined: nothing. */
  check(event: NodeEvent): string | undefined {
    const where = `${event.node}@${event.scope}`;
    const before = this.#final.get(where);
    if (before !== undefined) return `${where} was ${before}, now it is ${event.state}`;
    if (FINAL.has(event.state)) this.#final.set(where, event.state);
    if (!this.#actorTypes.has(event.type)) return undefined;
    const execution = `${this.#run}:${where}#${event.attempt}`;
    if (event.state === "completed" && !this.#failing(where, execution) && this.#said.first.get(execution) !== "ok") {
      return `${execution} completed without a result of its own`;
    }
    const failed = event.state === "retrying" || event.state === "failed";
    if (failed && !this.#failing(where, execution) && !this.#failsByItself(event, execution)) {
      return `${execution} is ${event.state} without a failure in the log`;
    }
    return undefined;
  }

  /** The execution itself, or a pure node that was evaluated for it, has just failed. */
  #failing(where: string, execution: string): boolean {
    for (const [id, status] of this.#said.first) {
      if (status !== "error") continue;
      const pulled = id.startsWith(`${this.#run}:${where}>`) || id.startsWith(`${this.#run}:${where}~`);
      if (id === execution || pulled) return true;
    }
    return this.#said.message?.kind === "timer";
  }

  #failsByItself(event: NodeEvent, execution: string): boolean {
    if (!OWN_FAILURES.has(event.error?.code ?? "")) return false;
    // An exec output that the type does not have is the actor's doing: that needs its result.
    return event.error?.code !== "ValidationError" || this.#said.first.get(execution) === "ok";
  }
}
