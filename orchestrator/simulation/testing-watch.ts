/**
 * Watches a simulation: folds the log with a clean machine as it is written, and holds everything that anybody does
 * against it.
 *
 * I1. A run has one `finished` content, and it is what the log says.
 * I2. What a live orchestrator announces and dispatches is what the fold of the log wants, at that very message.
 * I3. A timer is set for the time that the fold asked for, and never fires before.
 * I4. A checkpoint promises nothing that is not so: what it calls emitted is stored, what lies before it is over.
 * I5. Node by node, what happens has its cause in the log (see `Causes`).
 */
import { type DispatchEntry, decodeMessage, type RunEvent, runIdOf, type SubmittedMessage } from "../../nats/index.ts";
import { checkpoint } from "../../store/index.ts";
import type { GraphCache } from "../graph-cache.ts";
import type { Command } from "../run/commands.ts";
import { type LogEntry, Run } from "../run/fold.ts";
import { Causes } from "./testing-causes.ts";
import type { Stored } from "./testing-log.ts";
import { PARTITIONS } from "./testing-log.ts";
import type { World } from "./testing-world.ts";

/** What the log says of one run. */
export interface Watched {
  readonly run: Run;
  readonly submitted: SubmittedMessage;
  readonly partition: number;
  readonly causes: Causes;
  /** By execution id: the entry as it must be sent. */
  readonly wanted: Map<string, string>;
  /** By sequence: the news as it must be announced. */
  readonly news: Map<number, string>;
  /** By timer id. */
  readonly timers: Map<string, number>;
  readonly entries: LogEntry[];
  /** Sequences of those that changed it; a snapshot need not name the others. */
  readonly moves: number[];
  /** When the fold came to its end. */
  endedAt: number | undefined;
  finished: string | undefined;
  finishedAt: number | undefined;
  settled: boolean;
}

export class Watch {
  readonly runs = new Map<string, Watched>();
  readonly #world: World;
  readonly #graphs: GraphCache;
  readonly #replayFrom: number[] = Array.from({ length: PARTITIONS }, () => 0);

  constructor(world: World, graphs: GraphCache) {
    this.#world = world;
    this.#graphs = graphs;
    world.onLogStored = (stored) => this.#stored(stored);
    world.onNews = (_, data) => this.#announced(data);
    world.queue.onStored = ({ entries }) => {
      for (const entry of entries) {
        const wanted = this.runs.get(entry.run)?.wanted.get(entry.id);
        if (wanted === undefined) world.violated(`${entry.id} was dispatched without a cause in the log`);
        else if (wanted !== contentOf(entry)) world.violated(`${entry.id} was dispatched with another content`);
      }
    };
    world.history.onEnded = (run) => this.#settled(run);
    world.checkpoints.onPut = (key, value) => this.#checkpointed(Number(key.slice(2)), value);
  }

  get allSettled(): boolean {
    for (const watched of this.runs.values()) if (!watched.settled) return false;
    return true;
  }

  #settled(id: string): void {
    const watched = this.runs.get(id);
    if (watched?.finished === undefined) return this.#world.violated(`${id} was settled before it finished`);
    watched.settled = true;
    const kept = this.#world.history.seqs.get(id);
    const missing = watched.entries.find(({ seq }) => seq < (watched.finishedAt ?? 0) && !kept?.has(seq));
    if (missing) this.#world.violated(`the history of ${id} leaves out ${missing.seq}`);
  }

  #stored({ partition, entry }: Stored): void {
    if (entry.kind === "ends") {
      for (const result of entry.results) this.#finished(result.run_id, JSON.stringify(result), entry.seq);
    } else if (entry.kind === "result") {
      for (const id of new Set(entry.message.results.map((result) => result.run))) this.#apply(id, entry);
    } else if (entry.message.kind === "submitted") this.#submitted(partition, entry, entry.message);
    else if (entry.message.kind === "finished")
      this.#finished(entry.message.run, JSON.stringify(entry.message.result), entry.seq);
    else this.#apply(entry.message.run, entry);
  }

  #submitted(partition: number, entry: LogEntry, message: SubmittedMessage): void {
    if (this.runs.has(message.run)) return;
    const run = new Run(message, { partition, seq: entry.seq, timeMs: entry.timeMs }, this.#graphs.get(message).graph);
    const actorTypes = new Set(message.types.filter((type) => type.kind === "actor").map((type) => type.type));
    const watched: Watched = {
      run,
      submitted: message,
      partition,
      causes: new Causes(message.run, actorTypes),
      wanted: new Map(),
      news: new Map(),
      timers: new Map(),
      entries: [entry],
      moves: [entry.seq],
      endedAt: undefined,
      finished: undefined,
      finishedAt: undefined,
      settled: false,
    };
    this.runs.set(run.id, watched);
    this.#note(watched, entry, run.begin());
  }

  #apply(id: string, entry: LogEntry): void {
    const watched = this.runs.get(id);
    if (!watched) return;
    if (entry.kind === "run" && entry.message.kind === "timer") {
      const at = watched.timers.get(entry.message.id);
      if (at === undefined) this.#world.violated(`${id}: the timer ${entry.message.id} fired though nobody set it`);
      else if (entry.timeMs < at) this.#world.violated(`${id}: the timer ${entry.message.id} fired early`);
    }
    watched.entries.push(entry);
    watched.causes.read(entry);
    this.#note(watched, entry, watched.run.apply(entry));
  }

  #note(watched: Watched, entry: LogEntry, commands: readonly Command[]): void {
    for (const command of commands) {
      if (command.type === "sendExec" || command.type === "sendData") {
        if (watched.wanted.has(command.entry.id)) this.#world.violated(`${command.entry.id} is wanted twice`);
        watched.wanted.set(command.entry.id, contentOf(command.entry));
      } else if (command.type === "setTimer") watched.timers.set(command.id, command.at);
      else if (command.type === "announce") this.#newsOf(watched, entry.seq, command.event);
    }
    if (watched.run.result) watched.endedAt ??= entry.seq;
    if (watched.run.details.seq === entry.seq && entry.seq !== watched.run.firstSeq) watched.moves.push(entry.seq);
  }

  #newsOf(watched: Watched, seq: number, event: RunEvent): void {
    // A message with several results of one run brings several pieces of news.
    watched.news.set(seq, `${watched.news.get(seq) ?? ""}${JSON.stringify(event)}\n`);
    if (event.kind !== "node" || watched.submitted.flow.error_strategy === "pause") return;
    for (const node of event.nodes) {
      const wrong = watched.causes.check(node);
      if (wrong) this.#world.violated(`at ${seq}: ${wrong}`);
    }
  }

  #finished(id: string, content: string, seq: number): void {
    const watched = this.runs.get(id);
    if (!watched) return this.#world.violated(`${id} finished though it was never submitted`);
    if (content !== JSON.stringify(watched.run.result)) {
      this.#world.violated(`${id} finished with what the log does not say: ${content}`);
    }
    if (watched.finished !== undefined && watched.finished !== content) this.#world.violated(`${id} has two ends`);
    watched.finished = content;
    watched.finishedAt ??= seq;
  }

  #announced(data: Uint8Array): void {
    const text = Buffer.from(data).toString();
    const event = JSON.parse(text) as RunEvent;
    if (event.kind !== "node") return;
    const wanted = this.runs.get(event.run_id)?.news.get(event.seq);
    if (!wanted?.includes(`${text}\n`)) {
      this.#world.violated(`${event.run_id} announced at ${event.seq} what the log does not say: ${text}`);
    }
  }

  #checkpointed(partition: number, value: Uint8Array): void {
    const decoded = decodeMessage(checkpoint, value);
    if (!decoded.ok) return this.#world.violated(`an unreadable checkpoint: ${decoded.reason}`);
    const { replay_from, emitted_through, queue_created } = decoded.value;
    const { queue, timers } = this.#world;
    this.#replayFrom[partition] = replay_from;
    // As `LogTrimmer` does it, only sooner.
    this.#world.log.firstSeq = Math.max(this.#world.log.firstSeq, Math.min(...this.#replayFrom));
    const says = `the checkpoint ${replay_from}/${emitted_through} of partition ${partition}`;
    for (const watched of this.runs.values()) {
      const { run, settled } = watched;
      if (watched.partition !== partition || settled) continue;
      const shelved = this.#world.snapshots.stored.get(`${partition} ${run.id}`)?.mark.seq ?? 0;
      const needed = watched.moves.find((seq) => seq > shelved);
      if (needed !== undefined && needed < replay_from)
        this.#world.violated(`${says} leaves out ${needed}, which ${run.id} needs: its snapshot is of ${shelved}`);
      if (queue_created === queue.created) {
        for (const [id, { seq }] of run.details.inFlight) {
          // A child run is asked for by its submission, in whatever partition.
          const sent = queue.everStored.get(queue_created)?.has(id) || this.runs.has(runIdOf(id));
          if (seq <= emitted_through && !sent) this.#world.violated(`${says} takes ${id}, caused at ${seq}, for sent`);
        }
      }
      for (const [id, { seq }] of run.details.timers) {
        if (seq <= emitted_through && !timers.everSet.has(`rayflow.timer.${partition}.${run.id}.${id}`))
          this.#world.violated(`${says} takes the timer ${id} of ${run.id}, caused at ${seq}, for set`);
      }
      if (watched.endedAt !== undefined && watched.endedAt <= emitted_through && watched.finished === undefined)
        this.#world.violated(`${says} takes the end of ${run.id}, caused at ${watched.endedAt}, for told`);
    }
  }
}

/** What is sent leaves out what goes without saying, and is put together again in another order. */
function contentOf(entry: DispatchEntry): string {
  return JSON.stringify(Object.entries(entry).sort(([a], [b]) => (a < b ? -1 : 1)));
}
