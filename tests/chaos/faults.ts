/** What a campaign does to the system, and when. */
import { setTimeout as delay } from "node:timers/promises";
import { jetstream, jetstreamManager } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import {
  type EmbeddedServer,
  encodeMessage,
  nodeConsumerName,
  type ResultMessage,
  STREAMS,
  subjects,
} from "../../nats/index.ts";
import type { LogTap } from "./log-tap.ts";
import type { Member, Role } from "./processes.ts";
import type { Random } from "./random.ts";
import type { Servers } from "./servers.ts";
import type { Traffic } from "./traffic.ts";

const WEIGHTS = {
  "kill -9 orchestrator": 25,
  "kill -9 actor": 26,
  "kill -9 nats-server": 9,
  "SIGSTOP orchestrator": 5,
  "SIGSTOP actor": 5,
  "SIGTERM orchestrator": 4,
  "SIGTERM actor": 4,
  "cut connection": 6,
  "stall connection": 4,
  "delete consumer": 3,
  "results again": 5,
  "submissions again": 4,
} as const;
export type FaultKind = keyof typeof WEIGHTS;
export const faultKinds = Object.keys(WEIGHTS) as FaultKind[];

export interface Fault {
  readonly kind: FaultKind;
  /** What it hit. */
  readonly target: string;
  /** ms by the monotonic clock. */
  readonly at: number;
  /** ISO 8601, for the reader of logs. */
  readonly clock: string;
}

export interface FaultsOptions {
  readonly nc: NatsConnection;
  readonly servers: Servers;
  readonly members: readonly Member[];
  readonly traffic: Traffic;
  readonly tap: LogTap;
  readonly random: Random;
  /** Mean time from one fault to the next, ms. */
  readonly meanIntervalMs: number;
  /** In the place of those in the table above. */
  readonly weights?: Partial<Record<FaultKind, number>>;
}

/** The node types whose queue's consumer is deleted. */
const TYPES = ["chaos_step", "chaos_sum", "chaos_flaky", "variables_increment", "math_add", "logic_compare"];
/** Share of the results that are delivered again as soon as they are in the log. */
const AT_ONCE = 0.02;
/** A lease ends after 5 s. */
const LONG_PAUSE_MS = [6_000, 9_000] as const;

export class Faults {
  readonly done: Fault[] = [];
  /** Messages of results that were published again. */
  resultsAgain = 0;
  readonly #options: FaultsOptions;
  readonly #jobs = new Set<Promise<unknown>>();
  #serverDown = false;

  constructor(options: FaultsOptions) {
    this.#options = options;
    const { tap, random } = options;
    // Some results come twice while their run still goes on, all of the time.
    tap.onResults = (partition, message) => {
      if (random.chance(AT_ONCE)) this.#keep(this.#publishAgain(partition, message).catch(() => {}));
    };
  }

  /** Goes on until the time is over; then everything is up, or comes up by itself. */
  async run(durationMs: number): Promise<void> {
    const { random, meanIntervalMs, weights } = this.#options;
    const until = performance.now() + durationMs;
    for (;;) {
      const wait = random.between(0.2, 1.8) * meanIntervalMs;
      if (performance.now() + wait > until) break;
      await delay(wait);
      const kind = random.weighted<FaultKind>({ ...WEIGHTS, ...weights });
      await this.do(kind);
    }
    await Promise.allSettled(this.#jobs);
  }

  async do(kind: FaultKind): Promise<void> {
    const [at, clock] = [performance.now(), new Date().toISOString()];
    const target = await this.#inject(kind).catch(() => undefined);
    if (target !== undefined) this.done.push({ kind, target, at, clock });
  }

  /** What was hit; undefined when there was nothing to hit. */
  async #inject(kind: FaultKind): Promise<string | undefined> {
    const { random } = this.#options;
    switch (kind) {
      case "kill -9 orchestrator":
        return this.#end("orchestrator", "SIGKILL");
      case "kill -9 actor":
        return this.#end("actor", "SIGKILL");
      case "SIGTERM orchestrator":
        return this.#end("orchestrator", "SIGTERM");
      case "SIGTERM actor":
        return this.#end("actor", "SIGTERM");
      case "SIGSTOP orchestrator":
        return this.#pause("orchestrator");
      case "SIGSTOP actor":
        return this.#pause("actor");
      case "kill -9 nats-server":
        return this.#killServer();
      case "cut connection":
        return this.#disturb((proxy) => proxy.cut());
      case "stall connection":
        return this.#disturb((proxy) => proxy.stall(random.between(300, 7_000)));
      case "delete consumer":
        return this.#deleteConsumer();
      case "results again":
        return this.#resultsAgain();
      case "submissions again":
        this.#options.traffic.submitAgain(5);
        return "5 submissions";
    }
  }

  #end(role: Role, signal: "SIGKILL" | "SIGTERM"): string | undefined {
    const { members, random } = this.#options;
    const member = random.pick(members.filter((one) => one.role === role && one.alive));
    member?.end(signal, random.between(50, 1_000));
    return member?.name;
  }

  #pause(role: Role): string | undefined {
    const { members, random } = this.#options;
    const member = random.pick(members.filter((one) => one.role === role && one.running));
    if (!member) return undefined;
    const ms = random.chance(0.4) ? random.between(...LONG_PAUSE_MS) : random.between(200, 3_000);
    member.pause(ms);
    this.#keep(delay(ms));
    return `${member.name} for ${Math.round(ms)} ms`;
  }

  async #killServer(): Promise<string | undefined> {
    const { servers, nc, random } = this.#options;
    if (this.#serverDown) return undefined;
    this.#serverDown = true;
    let server: EmbeddedServer | undefined;
    try {
      server = await servers.leader(nc);
    } catch {
      // No leader now: any server will do.
    }
    server ??= random.pick(servers.all);
    if (!server) return undefined;
    const target = server;
    await target.kill("SIGKILL");
    const back = delay(random.between(50, 1_500))
      .then(() => target.restart())
      .finally(() => {
        this.#serverDown = false;
      });
    this.#keep(back);
    return target.url;
  }

  #disturb(how: (proxy: NonNullable<Member["proxy"]>) => void): string | undefined {
    const { members, random } = this.#options;
    const member = random.pick(members.filter((one) => one.proxy !== undefined && one.running));
    if (!member?.proxy) return undefined;
    how(member.proxy);
    return member.name;
  }

  async #deleteConsumer(): Promise<string | undefined> {
    const { nc, random } = this.#options;
    const type = random.pick(TYPES) ?? "chaos_step";
    const jsm = await jetstreamManager(nc, { checkAPI: false, timeout: 2_000 });
    await jsm.consumers.delete(STREAMS.nodes, nodeConsumerName(type));
    return type;
  }

  /** Results that were in the log already come once more, most of them of runs that have ended. */
  async #resultsAgain(): Promise<string | undefined> {
    const { tap, random } = this.#options;
    if (tap.results.length === 0) return undefined;
    const count = random.whole(5, 50);
    for (let n = 0; n < count; n++) {
      const result = random.pick(tap.results);
      if (result) await this.#publishAgain(result.partition, result.message);
    }
    return `${count} results`;
  }

  /** Under an id that the stream has never seen. */
  async #publishAgain(partition: number, message: ResultMessage): Promise<void> {
    const { nc } = this.#options;
    const msgID = `again-${this.resultsAgain++}`;
    const subject = subjects.result(message.type, partition);
    await jetstream(nc).publish(subject, encodeMessage(message), { msgID, timeout: 2_000 });
  }

  #keep(job: Promise<unknown>): void {
    this.#jobs.add(job);
    job.finally(() => this.#jobs.delete(job)).catch(() => {});
  }
}
