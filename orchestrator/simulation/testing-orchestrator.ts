/** The real driver of one partition with all that belongs to it, on a fake server. */
import type { JetStreamClient, JetStreamManager } from "@nats-io/jetstream";
import { encodeMessage, type Publishes, partitionOf, type RunMessage, subjects } from "../../nats/index.ts";
import { type Checkpoint, CheckpointStore, type RunLog, type VariableStore } from "../../store/index.ts";
import { Checkpointer } from "../checkpointer.ts";
import { Children } from "../children.ts";
import { CommandSink } from "../command-sink.ts";
import { Dispatcher } from "../dispatcher.ts";
import { Emitter } from "../emitter.ts";
import type { GraphCache } from "../graph-cache.ts";
import type { Logger } from "../logger.ts";
import { News } from "../news.ts";
import { Pace } from "../pace.ts";
import { PartitionDriver } from "../partition-driver.ts";
import { RunEndings } from "../run-endings.ts";
import { RunEnds } from "../run-ends.ts";
import { RunShelf } from "../run-shelf.ts";
import { Timers } from "../timers.ts";
import { runnableChild } from "./testing-flows.ts";
import { PARTITIONS } from "./testing-log.ts";
import type { Sabotage } from "./testing-sabotage.ts";
import { Process, standIn } from "./testing-time.ts";
import type { World } from "./testing-world.ts";

const MAX_PAYLOAD = 1_048_576;
const HAND_OVER_MS = 5_000;

export interface Surroundings {
  readonly world: World;
  readonly graphs: GraphCache;
  readonly sabotage: Sabotage;
}

export class SimulatedOrchestrator {
  readonly partition: number;
  readonly process: Process;
  driver: PartitionDriver | undefined;
  readonly #around: Surroundings;
  #checkpointer: Checkpointer | undefined;
  #queueCreated: string;
  #over = false;

  constructor(around: Surroundings, partition: number, name: string) {
    this.#around = around;
    this.partition = partition;
    this.process = new Process(around.world.time, name);
    this.#queueCreated = around.world.queue.created;
    around.world.time.note(`${name} takes partition ${partition}`);
  }

  /** It has crashed or given its partition back. */
  get gone(): boolean {
    return this.#over || !this.process.alive;
  }

  async start(): Promise<void> {
    const { world, sabotage, graphs } = this.#around;
    const { process, partition } = this;
    const store = standIn<CheckpointStore>(Reflect.construct(CheckpointStore, [world.checkpoints.for(process)]));
    const read = await store.read(partition).catch(() => undefined);
    if (!read) return this.#end();
    const checkpoint = read.checkpoint && sabotage.checkpoint(read.checkpoint);
    const queueLost = checkpoint !== undefined && checkpoint.queue_created !== this.#queueCreated;
    const logger = this.#logger();
    const { clock } = process;
    const js = standIn<JetStreamClient>({ publish: this.#publish });
    const send = (subject: string, data: unknown): void => {
      if (process.alive) world.onNews(subject, data as Uint8Array);
    };
    const news = new News({ publisher: { send }, maxPayload: () => MAX_PAYLOAD, logger });
    const history = world.history.for(process);
    const sent = { append: this.#append, finishedResult: this.#finishedResult };
    const variables = standIn<VariableStore>({ purgeRun: () => this.#ask("purge variables", () => 0) });
    const endings = new RunEndings({ news, variables, history, log: standIn<RunLog>(sent) });
    const children = new Children({
      log: standIn<RunLog>(sent),
      fit: (message) => Promise.resolve(message),
      keep: () => Promise.resolve(undefined),
      check: (name) => this.#ask(`look up ${String(name)}`, () => runnableChild(String(name))),
    });
    const timers = new Timers({ js, jsm: this.#purger(), logger });
    const publisher = standIn<Publishes>({ publish: this.#publish });
    const pace = new Pace();
    const dispatcher = new Dispatcher({ publisher, pace, logger, clock, maxBytes: () => MAX_PAYLOAD });
    const ends = new RunEnds({ publisher, logger, clock, maxBytes: () => MAX_PAYLOAD });
    const emitter = new Emitter(
      { publisher, dispatcher, ends, logger, clock, maxPayload: () => MAX_PAYLOAD },
      checkpoint?.emitted_through ?? 0,
    );
    const sink = new CommandSink({ news, partition, emitter, logger, timers, endings, children });
    const log = standIn<RunLog>({ openPartition: this.#openPartition });
    const shelf = new RunShelf({
      partition,
      snapshots: world.snapshots.for(process),
      history,
      graphs,
      replayFrom: checkpoint?.replay_from,
    });
    this.driver = new PartitionDriver({
      partition,
      log,
      emitter,
      pace,
      sink,
      logger,
      graphs,
      checkpoint,
      queueLost,
      shelf,
      clock,
      // Whatever the real clock says: a run that waits may rest at once.
      restAfterMs: Number.NEGATIVE_INFINITY,
      segmentEntries: 3 + world.time.below(60),
    });
    this.#checkpointer = new Checkpointer({
      store,
      driver: this.driver,
      owner: process.name,
      queueCreated: () => this.#queueCreated,
      revision: read.revision,
      logger,
      clock,
      onTakenOver: () => void this.release(false),
    });
    this.#note(checkpoint, queueLost);
    this.driver.start();
    this.#checkpointer.start();
    this.#rest();
    this.#trim();
  }

  /** As the service releases a partition; `handOver` in good order. */
  async release(handOver: boolean): Promise<void> {
    const { driver } = this;
    const checkpointer = this.#checkpointer;
    if (!driver || !checkpointer || this.#over) return this.#end();
    this.#over = true;
    this.#around.world.time.note(`${this.process.name} gives its partition ${handOver ? "over" : "up"}`);
    await driver.stop();
    if (handOver) await driver.emitter.drained(HAND_OVER_MS);
    driver.emitter.stop();
    if (handOver) await checkpointer.stop();
    else checkpointer.abandon();
    this.#end();
  }

  /** It notices that the dispatch queue is another one. */
  queueRenewed(): void {
    const { queue } = this.#around.world;
    if (this.#queueCreated === queue.created) return;
    this.#queueCreated = queue.created;
    // The service catches what it throws when it is stopped meanwhile.
    void this.driver?.resendInFlight().catch(() => undefined);
  }

  #end(): void {
    this.#over = true;
    this.process.crash();
  }

  /** It may die before a publish or after it, which is between any two of its effects. */
  readonly #publish = (subject: string, data: Uint8Array, options: object): Promise<unknown> => {
    const { world, sabotage } = this.#around;
    if (world.faults.strikes("crash")) this.process.crash();
    const ack = world.publish(this.process, subject, data, options);
    if (world.faults.strikes("crash")) this.process.crash();
    return sabotage.ack(ack);
  };

  readonly #append = (message: RunMessage, { msgId }: { msgId: string }): Promise<unknown> => {
    const subject = subjects.run(partitionOf(message.run, PARTITIONS), message.run);
    return this.#publish(subject, encodeMessage(message), { msgID: msgId });
  };

  readonly #finishedResult = (run: string): Promise<unknown> =>
    this.#ask(`the result of ${run}`, () => this.#around.world.history.ended.get(run)?.result);

  readonly #openPartition = (_: number, from: number): Promise<unknown> => {
    const { time, log } = this.#around.world;
    return new Promise((done) =>
      this.process.later(1 + time.below(20), () => done(log.read(this.process, this.partition, from))),
    );
  };

  #ask<T>(what: string, serve: () => T): Promise<T> {
    return this.#around.world.faults.request(this.process, what, serve);
  }

  #rest(): void {
    this.process.later(100 + this.#around.world.time.below(4_000), () => {
      if (this.#over) return;
      void this.driver?.putToRest();
      this.#rest();
    });
  }

  /** As `LogTrimmer` does it. */
  #trim(): void {
    const { world } = this.#around;
    this.process.later(1_000 + world.time.below(4_000), async () => {
      if (this.#over) return;
      this.#trim();
      const last = await this.#ask("the end of the log", () => world.log.lastSeq).catch(() => 0);
      await this.driver?.passIdle(last);
    });
  }

  #purger(): JetStreamManager {
    const { world } = this.#around;
    const purge = (_: string, { filter }: { filter: string }) =>
      world.faults.request(this.process, `cancel ${filter}`, () => world.timers.purge(filter));
    return standIn<JetStreamManager>({ streams: { purge } });
  }

  #logger(): Logger {
    const { time } = this.#around.world;
    return {
      debug: () => undefined,
      info: () => undefined,
      warn: (_, message) => time.note(`${this.process.name} warns: ${message}`),
      error: (fields, message) => this.#around.world.violated(`${message}: ${JSON.stringify(fields)}`),
    };
  }

  #note(checkpoint: Checkpoint | undefined, queueLost: boolean): void {
    const from = checkpoint ? `${checkpoint.replay_from}, emitted through ${checkpoint.emitted_through}` : "the start";
    this.#around.world.time.note(`${this.process.name} reads from ${from}${queueLost ? ", queue lost" : ""}`);
  }
}
