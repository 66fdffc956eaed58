/** Carries out what a run machine wants done: each command becomes a publish, under the id that the machine gave it. */
import type { ErrorInfo } from "../flow/index.ts";
import { type DispatchEntry, type RunMessage, subjects, WIRE_VERSION } from "../nats/index.ts";
import type { Children } from "./children.ts";
import type { Emitter } from "./emitter.ts";
import type { Logger } from "./logger.ts";
import type { News } from "./news.ts";
import type { Command } from "./run/commands.ts";
import type { Run } from "./run/fold.ts";
import type { Ending, RunEndings } from "./run-endings.ts";
import type { RunMetrics } from "./run-metrics.ts";
import type { Timers } from "./timers.ts";

export interface CommandSinkOptions {
  readonly news: News;
  readonly partition: number;
  readonly emitter: Emitter;
  readonly timers: Pick<Timers, "set" | "cancel">;
  readonly endings: Pick<RunEndings, "settle" | "tell">;
  readonly children: Pick<Children, "start" | "stop">;
  /** Default: nothing is counted. */
  readonly metrics?: Pick<RunMetrics, "sent">;
  readonly logger: Logger;
}

export class CommandSink {
  readonly #options: CommandSinkOptions;

  constructor(options: CommandSinkOptions) {
    this.#options = options;
  }

  /** `seq` is the message of the log that caused the commands. */
  carryOut(seq: number, run: Run, commands: readonly Command[]): void {
    const { emitter, metrics } = this.#options;
    const undeliverable = (entry: DispatchEntry, error: ErrorInfo): void => this.#undeliverable(seq, entry, error);
    for (const command of commands) {
      if (command.type === "sendExec" || command.type === "sendData") {
        metrics?.sent(command.nodeType, command.entry);
        emitter.dispatch(seq, command.nodeType, command.entry, undeliverable);
      } else this.#one(seq, run, command);
    }
  }

  /** Whether somebody may listen to the news of a run's nodes now. */
  isHeard(run: string): boolean {
    return this.#options.news.isHeard(run);
  }

  append(seq: number, message: RunMessage, msgId: string): void {
    const subject = subjects.run(this.#options.partition, message.run);
    this.#options.emitter.publish(seq, subject, message, msgId);
  }

  /** What follows from a run's `finished` message; `done` when all of it is. */
  settle(seq: number, ending: Ending, done: () => void): void {
    const { emitter, endings } = this.#options;
    emitter.track(seq, `the end of ${ending.ended.id}`, async () => {
      await endings.settle(ending);
      done();
    });
  }

  #one(seq: number, run: Run, command: Exclude<Command, { type: "sendExec" | "sendData" }>): void {
    const { timers, emitter, partition, children, news } = this.#options;
    switch (command.type) {
      case "setTimer":
        return emitter.track(seq, "a timer", () => timers.set(partition, run.id, command.id, command.at));
      case "cancelTimer":
        return timers.cancel(partition, run.id, command.id);
      case "append":
        if (command.message.kind !== "finished") return this.append(seq, command.message, command.id);
        this.#options.endings.tell(run.ended, command.message.result);
        return emitter.end(seq, partition, command.message.result);
      case "announce":
        return news.announce(command.event);
      case "stop":
        return news.stop(run.id, command.executions);
      case "startChild":
        return emitter.track(seq, "a child run", () => children.start(command));
      case "stopChild":
        return emitter.track(seq, "the end of a child run", () => children.stop(command.id));
    }
  }

  #undeliverable(seq: number, entry: DispatchEntry, error: ErrorInfo): void {
    const message: RunMessage = { v: WIRE_VERSION, kind: "undeliverable", run: entry.run, id: entry.id, error };
    this.append(seq, message, `${entry.id}:undeliverable`);
  }
}
