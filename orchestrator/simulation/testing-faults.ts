/** What goes wrong, how often, and the wire between a process and the server on which most of it goes wrong. */
import { errors } from "@nats-io/transport-node";
import { type Process, standIn, type VirtualTime } from "./testing-time.ts";

/** Probabilities, each for one occasion. */
export interface FaultProfile {
  /** A request never reaches the server. */
  readonly lose: number;
  /** A request is served, but its answer is lost. */
  readonly loseAck: number;
  /** A request takes seconds, maybe longer than its sender waits for it. */
  readonly late: number;
  /** An orchestrator dies at one of its requests. */
  readonly crash: number;
  /** In half a second: an orchestrator is frozen; it may find another one in its place when it goes on. */
  readonly freeze: number;
  /** In half a second: another orchestrator starts on a partition that has one. */
  readonly overlap: number;
  /** In half a second: a partition is handed over in good order. */
  readonly handOver: number;
  /** In half a second: the dispatch queue is made anew, empty. */
  readonly queueLoss: number;
  /** An actor dies while it works on a message, or when it has published, before the ack. */
  readonly actorCrash: number;
  /** An actor takes longer than the ack-wait. */
  readonly actorSlow: number;
  /** An actor reports a timeout, and what the code gave all the same later. */
  readonly lateResult: number;
  /** An actor publishes a result once more, as news. */
  readonly repeat: number;
  /** Node code fails. */
  readonly nodeFailure: number;
  /** A timer fires a second time. */
  readonly timerTwice: number;
  /** A stream does not notice a repeated message id. */
  readonly forgetId: number;
}

const MOST: FaultProfile = {
  lose: 0.08,
  loseAck: 0.1,
  late: 0.08,
  crash: 0.02,
  freeze: 0.05,
  overlap: 0.04,
  handOver: 0.03,
  queueLoss: 0.03,
  actorCrash: 0.1,
  actorSlow: 0.05,
  lateResult: 0.1,
  repeat: 0.1,
  nodeFailure: 0.25,
  timerTwice: 0.3,
  forgetId: 0.5,
};

/** A mix of its own for each seed: some faults not at all, some often. */
export function drawFaults(time: VirtualTime): FaultProfile {
  const drawn = Object.entries(MOST).map(([name, most]) => [name, time.chance(0.45) ? 0 : time.random() * most]);
  return standIn<FaultProfile>(Object.fromEntries(drawn));
}

const TIMEOUT_MS = 5_000;

/** Where faults come from while they last. */
export class Faults {
  /** Off: the world heals. */
  active = true;
  readonly profile: FaultProfile;
  readonly counts = new Map<keyof FaultProfile, number>();
  readonly #time: VirtualTime;

  constructor(time: VirtualTime, profile: FaultProfile) {
    this.#time = time;
    this.profile = profile;
  }

  strikes(fault: keyof FaultProfile): boolean {
    if (!this.active || !this.#time.chance(this.profile[fault])) return false;
    this.counts.set(fault, (this.counts.get(fault) ?? 0) + 1);
    return true;
  }

  /**
   * Asks the server for something. It may be lost, late or answered in vain; a process that dies has its requests on
   * the way all the same, or not.
   */
  request<T>(from: Process, what: string, serve: () => T): Promise<T> {
    const time = this.#time;
    return new Promise((resolve, reject) => {
      if (!from.alive) return;
      const giveUp = (): void => from.later(TIMEOUT_MS, () => reject(new errors.TimeoutError({ cause: what })));
      if (this.strikes("lose")) {
        time.note(`${from.name}: lost: ${what}`);
        return giveUp();
      }
      const late = this.strikes("late");
      const wayMs = late ? time.below(9_000) : 1 + time.below(8);
      const silent = this.strikes("loseAck");
      if (silent || wayMs > TIMEOUT_MS) giveUp();
      time.after(wayMs, () => {
        if (!from.alive && time.chance(0.5)) return;
        time.note(`${from.name}: ${what}${silent ? ", ack lost" : ""}`);
        const answer = attempt(serve);
        if (silent) return;
        from.later(1 + time.below(4), () => ("value" in answer ? resolve(answer.value) : reject(answer.error)));
      });
    });
  }
}

function attempt<T>(serve: () => T): { readonly value: T } | { readonly error: unknown } {
  try {
    return { value: serve() };
  } catch (error) {
    return { error };
  }
}
