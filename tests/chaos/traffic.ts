/**
 * Keeps runs flowing: publishes submissions as any NATS client would, until each has its PubAck; sends the signals and
 * cancels that runs wait for; publishes some of it twice.
 */
import { setTimeout as delay } from "node:timers/promises";
import { jetstream } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import { partitionOf, type RunMessage, runIdOf, subjects } from "../../nats/index.ts";
import type { RunLog } from "../../store/index.ts";
import type { Ledger } from "./ledger.ts";
import type { Random } from "./random.ts";
import { nextPlan, type Plan, type ShapeName } from "./shapes.ts";

export interface TrackedRun {
  readonly id: string;
  readonly partition: number;
  readonly msgId: string;
  readonly plan: Plan;
  readonly publishedAt: number;
  /** When JetStream said that it has it; undefined: not yet. */
  ackedAt: number | undefined;
  /** When its end was first heard of. */
  endedAt: number | undefined;
}

export interface TrafficOptions {
  readonly nc: NatsConnection;
  readonly log: RunLog;
  readonly ledger: Ledger;
  readonly partitions: number;
  readonly random: Random;
  /** Told apart from other campaigns on the same streams. */
  readonly name: string;
  readonly maxInFlight: number;
  readonly maxPerSecond: number;
  readonly shapes: Partial<Record<ShapeName, number>>;
}

const PUBLISH_TIMEOUT_MS = 2_000;
const AGAIN_MS = 100;
const TWICE = 0.04;
const LATEST_SECOND_MS = 15_000;

export class Traffic {
  readonly runs = new Map<string, TrackedRun>();
  /** Submissions published again, with the same id, after their PubAck. */
  secondSubmissions = 0;
  /** Publishes that had to be repeated because no PubAck came. */
  repeatedPublishes = 0;
  inFlight = 0;
  readonly #options: TrafficOptions;
  readonly #pending = new Set<Promise<void>>();
  #flowing = false;
  #loop: Promise<void> = Promise.resolve();

  constructor(options: TrafficOptions) {
    this.#options = options;
    options.ledger.onEffect = (run, activation) => this.#drive(run, activation);
  }

  start(): void {
    this.#flowing = true;
    this.#loop = this.#flow();
  }

  /** Submits nothing new; resolves when everything that was submitted has its PubAck. */
  async stop(): Promise<void> {
    this.#flowing = false;
    await this.#loop;
    while (this.#pending.size > 0) await Promise.all(this.#pending);
  }

  /** A run has ended; may be told more than once. */
  ended(id: string): TrackedRun | undefined {
    const run = this.runs.get(id);
    if (!run || run.endedAt !== undefined) return undefined;
    run.endedAt = performance.now();
    this.inFlight--;
    return run;
  }

  /** Submits some of the last runs once more, under their own ids. */
  submitAgain(count: number): void {
    const known = [...this.runs.values()].slice(-500).filter(({ ackedAt }) => ackedAt !== undefined);
    for (let n = 0; n < count; n++) {
      const run = this.#options.random.pick(known);
      if (run) this.#again(run);
    }
  }

  async #flow(): Promise<void> {
    const { maxInFlight, maxPerSecond, random, name } = this.#options;
    for (let serial = 0; this.#flowing; serial++) {
      while (this.inFlight >= maxInFlight && this.#flowing) await delay(5);
      if (!this.#flowing) return;
      const msgId = `${name}-${serial}`;
      const id = runIdOf(msgId);
      const run: TrackedRun = {
        id,
        msgId,
        partition: partitionOf(id, this.#options.partitions),
        plan: nextPlan(random, serial, this.#options.shapes),
        publishedAt: performance.now(),
        ackedAt: undefined,
        endedAt: undefined,
      };
      this.runs.set(id, run);
      this.inFlight++;
      this.#keep(this.#submit(run));
      if (random.chance(TWICE)) this.#keep(delay(random.between(0, LATEST_SECOND_MS)).then(() => this.#again(run)));
      await delay(1_000 / maxPerSecond);
    }
  }

  async #submit(run: TrackedRun): Promise<void> {
    const { flow, inputs } = run.plan;
    const payload = JSON.stringify({ flow, inputs });
    await this.#untilAcked(() =>
      jetstream(this.#options.nc).publish(subjects.submit(), payload, {
        msgID: run.msgId,
        timeout: PUBLISH_TIMEOUT_MS,
      }),
    );
    run.ackedAt ??= performance.now();
  }

  #again(run: TrackedRun): void {
    this.secondSubmissions++;
    this.#keep(this.#submit(run));
  }

  #drive(id: string, activation: string): void {
    const run = this.runs.get(id);
    const drive = run?.plan.drive;
    if (!run || !drive || activation !== run.plan.activations[0]) return;
    const message: RunMessage =
      drive.type === "signal"
        ? { v: 1, kind: "signal", run: id, signal: "go", payload: drive.payload, id: "first" }
        : { v: 1, kind: "control", run: id, action: "cancel", reason: "as planned" };
    const send = (msgId: string) => this.#untilAcked(() => this.#options.log.append(message, { msgId }));
    const sending = delay(run.plan.driveAfterMs ?? 0).then(async () => {
      await send(`${id}:${drive.type}`);
      // The stream knows nothing of this one: the run itself has to.
      if (drive.type === "signal") await send(`${id}:${drive.type}:again`);
    });
    this.#keep(sending);
  }

  async #untilAcked(publish: () => Promise<unknown>): Promise<void> {
    for (;;) {
      try {
        await publish();
        return;
      } catch {
        this.repeatedPublishes++;
        await delay(AGAIN_MS);
      }
    }
  }

  #keep(work: Promise<void>): void {
    this.#pending.add(work);
    void work.finally(() => this.#pending.delete(work));
  }
}
