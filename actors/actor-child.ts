/**
 * One actor process as its manager sees it, from its start to its end.
 *
 * It is the leader of its own process group: a Ctrl-C in the terminal reaches the manager only, and when it ends,
 * what it may have started ends with it.
 */
import { type ChildProcess, spawn } from "node:child_process";
import type { Writable } from "node:stream";
import { RayflowError } from "../flow/index.ts";
import type { Sample } from "../telemetry/index.ts";
import { type FromActor, type FromManager, fromActor } from "./actor-ipc.ts";

export interface ActorChildOptions {
  /** Program and arguments. */
  readonly command: readonly string[];
  readonly env: NodeJS.ProcessEnv | undefined;
  /** Takes what it writes, stdout and stderr alike: the manager's own stdout is for data. */
  readonly output: Writable;
  /** Longest time from the start to `ready`, ms. */
  readonly startTimeoutMs: number;
}

export interface ActorExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

const LAST_LINES = 15;
/** How long to wait for the last output of a process that has ended: a descendant may hold the pipe open. */
const LAST_OUTPUT_MS = 250;

export class ActorChild {
  readonly pid: number | undefined;
  readonly startedAt = performance.now();
  /** The types that it serves. Rejects with ActorStartFailed when it ends before. */
  readonly ready: Promise<readonly string[]>;
  readonly exited: Promise<ActorExit>;
  readonly #process: ChildProcess;
  readonly #lines: string[] = [];
  /** Who waits for what it has counted. */
  readonly #asked = new Map<number, (samples: readonly Sample[]) => void>();
  #heardAt = performance.now();
  #serial = 0;
  #gone = false;
  #isReady = false;

  constructor(options: ActorChildOptions) {
    const [program = "", ...args] = options.command;
    const { env } = options;
    this.#process = spawn(program, args, {
      stdio: ["ignore", "pipe", "pipe", "ipc"],
      detached: true,
      ...(env === undefined ? {} : { env }),
    });
    this.pid = this.#process.pid;
    for (const stream of [this.#process.stdout, this.#process.stderr]) {
      stream?.on("data", (chunk: Buffer) => {
        options.output.write(chunk);
        this.#remember(chunk.toString("utf8"));
      });
    }
    const closed = new Promise<void>((done) => this.#process.once("close", () => done()));
    this.exited = new Promise((done) => {
      this.#process.once("error", (error) => {
        // Also emitted when a signal or a message could not be sent: only without a pid was nothing started.
        if (this.pid !== undefined) return;
        this.#remember(`${error.message}\n`);
        this.#gone = true;
        done({ code: null, signal: null });
      });
      this.#process.once("exit", (code, signal) => {
        this.#gone = true;
        this.#killGroup();
        done({ code, signal });
      });
    });
    this.ready = this.#becomeReady(options, closed);
    // Whoever does not ask must not be hit by it.
    this.ready.catch(() => {});
  }

  /** Whether it has become ready and still runs. */
  get isReady(): boolean {
    return this.#isReady && !this.#gone;
  }

  /** How long it has said nothing, ms. */
  get silentMs(): number {
    return performance.now() - this.#heardAt;
  }

  /** Asks for a sign of life. */
  ping(): void {
    const message: FromManager = { type: "ping", id: ++this.#serial };
    if (this.#process.connected) this.#process.send(message, () => {});
  }

  /** What it has counted; undefined when it does not say in time. */
  async metrics(timeoutMs: number): Promise<readonly Sample[] | undefined> {
    if (!this.isReady || !this.#process.connected) return undefined;
    const id = ++this.#serial;
    let timer: NodeJS.Timeout | undefined;
    const samples = await new Promise<readonly Sample[] | undefined>((done) => {
      this.#asked.set(id, done);
      timer = setTimeout(() => done(undefined), timeoutMs);
      const message: FromManager = { type: "metrics", id };
      this.#process.send(message, (error) => (error ? done(undefined) : undefined));
    });
    clearTimeout(timer);
    this.#asked.delete(id);
    return samples;
  }

  /** Ends it and all that it started, at once. */
  kill(): void {
    if (!this.#gone) this.#killGroup();
  }

  /** Asks it to end; after the grace, ms, it is killed. Resolves when it is gone. */
  async stop(graceMs: number): Promise<ActorExit> {
    if (!this.#gone) this.#process.kill("SIGTERM");
    const timer = setTimeout(() => this.kill(), graceMs);
    const exit = await this.exited;
    clearTimeout(timer);
    return exit;
  }

  async #becomeReady(options: ActorChildOptions, closed: Promise<void>): Promise<readonly string[]> {
    let timer: NodeJS.Timeout | undefined;
    const types = new Promise<readonly string[]>((resolve) => {
      this.#process.on("message", (message: unknown) => {
        const parsed = fromActor.safeParse(message);
        if (parsed.success) this.#heard(parsed.data, resolve);
      });
    });
    const tooLate = new Promise<string>((resolve) => {
      timer = setTimeout(() => resolve(`it was not ready after ${options.startTimeoutMs} ms`), options.startTimeoutMs);
    });
    const ended = this.exited.then(async (exit) => {
      await Promise.race([closed, new Promise((done) => setTimeout(done, LAST_OUTPUT_MS))]);
      return `it ended before it was ready (${describeExit(exit)})`;
    });
    const outcome = await Promise.race([types, ended, tooLate]);
    clearTimeout(timer);
    if (typeof outcome !== "string") return outcome;
    this.kill();
    const said = this.#lines.length === 0 ? "it wrote nothing" : `its last output:\n${this.#lines.join("\n")}`;
    throw new RayflowError("ActorStartFailed", `the actor process did not start: ${outcome}; ${said}`, {
      details: { command: options.command, output: [...this.#lines] },
    });
  }

  #heard(message: FromActor, onReady: (types: readonly string[]) => void): void {
    this.#heardAt = performance.now();
    if (message.type === "metrics") this.#asked.get(message.id)?.(message.samples);
    if (message.type !== "ready") return;
    this.#isReady = true;
    onReady(message.types);
  }

  #remember(text: string): void {
    this.#lines.push(...text.split("\n").filter((line) => line.trim() !== ""));
    this.#lines.splice(0, this.#lines.length - LAST_LINES);
  }

  #killGroup(): void {
    if (this.pid === undefined) return;
    try {
      process.kill(-this.pid, "SIGKILL");
    } catch {
      // Nobody is left in the group.
    }
  }
}

export function describeExit({ code, signal }: ActorExit): string {
  if (signal !== null) return `killed by ${signal}`;
  return code === null ? "it could not be run" : `exit code ${code}`;
}
