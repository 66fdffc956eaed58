/** Carries out what a run machine wants done: each command becomes a publish, under the id that the machine gave it. */
import type { NatsConnection } from "@nats-io/transport-node";
import type { ErrorInfo } from "../flow/index.ts";
import {
  type CancelMessage,
  type DispatchEntry,
  encodeMessage,
  type RunEvent,
  type RunMessage,
  type RunResult,
  subjects,
  WIRE_VERSION,
} from "../nats/index.ts";
import type { Emitter } from "./emitter.ts";
import type { Logger } from "./logger.ts";
import type { Command } from "./run/commands.ts";
import type { EndedRun, Run } from "./run/fold.ts";
import type { RunEndings } from "./run-endings.ts";
import type { Timers } from "./timers.ts";

export interface CommandSinkOptions {
  readonly nc: NatsConnection;
  readonly partition: number;
  readonly emitter: Emitter;
  readonly timers: Timers;
  readonly endings: RunEndings;
  readonly logger: Logger;
}

export class CommandSink {
  readonly #options: CommandSinkOptions;

  constructor(options: CommandSinkOptions) {
    this.#options = options;
  }

  /** `seq` is the message of the log that caused the commands. */
  carryOut(seq: number, run: Run, commands: readonly Command[]): void {
    const work = new Map<string, DispatchEntry[]>();
    for (const command of commands) {
      if (command.type === "sendExec" || command.type === "sendData") {
        const entries = work.get(command.nodeType);
        if (entries) entries.push(command.entry);
        else work.set(command.nodeType, [command.entry]);
      } else this.#one(seq, run, command);
    }
    for (const [type, entries] of work) {
      this.#options.emitter.dispatch(seq, type, entries, (entry, error) => this.#undeliverable(seq, entry, error));
    }
  }

  append(seq: number, message: RunMessage, msgId: string): void {
    const subject = subjects.run(this.#options.partition, message.run);
    this.#options.emitter.publish(seq, subject, message, msgId);
  }

  /** What follows from a run's `finished` message. */
  finished(seq: number, run: EndedRun, result: RunResult): void {
    const { emitter, endings } = this.#options;
    emitter.track(seq, `the end of ${run.id}`, () => endings.settle(run, result));
  }

  #one(seq: number, run: Run, command: Exclude<Command, { type: "sendExec" | "sendData" }>): void {
    const { timers, emitter, partition } = this.#options;
    switch (command.type) {
      case "setTimer":
        return emitter.track(seq, "a timer", () => timers.set(partition, run.id, command.id, command.at));
      case "cancelTimer":
        return timers.cancel(partition, run.id, command.id);
      case "append":
        return this.append(seq, command.message, command.id);
      case "announce":
        return this.#announce(command.event);
      case "stop":
        return this.#stop(run.id, command.executions);
      case "startChild":
      case "stopChild":
        return this.#options.logger.warn({ run_id: run.id, execution: command.id }, "child runs are not served yet");
    }
  }

  #undeliverable(seq: number, entry: DispatchEntry, error: ErrorInfo): void {
    const message: RunMessage = { v: WIRE_VERSION, kind: "undeliverable", run: entry.run, id: entry.id, error };
    this.append(seq, message, `${entry.id}:undeliverable`);
  }

  #announce(event: RunEvent): void {
    const { nc, logger } = this.#options;
    const bytes = encodeMessage(event);
    // News may be lost: what is too large for a message is better left out than in the way.
    if (bytes.length > (nc.info?.max_payload ?? 1_048_576)) {
      return logger.debug({ run_id: event.run_id, kind: event.kind }, "an event too large to announce was left out");
    }
    if (!nc.isClosed()) nc.publish(subjects.event(event.run_id, event.kind), bytes);
  }

  #stop(run: string, executions: readonly string[] | undefined): void {
    const message: CancelMessage = { v: WIRE_VERSION, run, ...(executions ? { executions: [...executions] } : {}) };
    if (!this.#options.nc.isClosed()) this.#options.nc.publish(subjects.cancel(run), encodeMessage(message));
  }
}
