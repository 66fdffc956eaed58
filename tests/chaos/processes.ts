/**
 * Orchestrators and actors as processes of their own, started from dist/ and started again whenever they end.
 *
 * C1. A process is only ever signalled by the id that `spawn` gave, while its end has not been reported.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync, readFileSync } from "node:fs";
import path from "node:path";
import { root } from "../rayflow-process.ts";
import type { FaultyProxy } from "./proxy.ts";

export type Role = "orchestrator" | "actor";

export interface MemberOptions {
  readonly role: Role;
  readonly name: string;
  readonly servers: readonly string[];
  /** Between it and the first server, if it has one. */
  readonly proxy: FaultyProxy | undefined;
  readonly folder: string;
  readonly ledgerUrl: string;
  /** What to load into the process before it starts: a sabotage. */
  readonly preload: string | undefined;
  readonly sabotage: string | undefined;
}

const STOP_MS = 20_000;

export class Member {
  readonly role: Role;
  readonly name: string;
  readonly proxy: FaultyProxy | undefined;
  /** Ends that nobody asked for. */
  ownEnds = 0;
  starts = 0;
  readonly #options: MemberOptions;
  #child: ChildProcess | undefined;
  #ended: Promise<void> = Promise.resolve();
  #paused = false;
  #expected = false;
  #closing = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: MemberOptions) {
    this.#options = options;
    this.role = options.role;
    this.name = options.name;
    this.proxy = options.proxy;
  }

  get running(): boolean {
    return this.#child !== undefined && !this.#paused;
  }

  get alive(): boolean {
    return this.#child !== undefined;
  }

  start(): void {
    if (this.#child || this.#closing) return;
    const { role, servers, folder, ledgerUrl, preload, sabotage } = this.#options;
    this.starts++;
    const log = openSync(this.logFile, "a");
    const command = path.join(root, "dist", "cli", "main.js");
    const nodes = role === "actor" ? ["--nodes-dir", path.join(root, "tests", "chaos", "nodes")] : [];
    const args = [...(preload === undefined ? [] : ["--import", preload]), command, role];
    const { NATS_URL: _, npm_command: __, ...env } = process.env;
    const child = spawn(process.execPath, [...args, "--server", servers.join(","), ...nodes], {
      cwd: folder,
      stdio: ["ignore", log, log],
      env: {
        ...env,
        NO_COLOR: "1",
        RAYFLOW_LOG_LEVEL: "warn",
        CHAOS_LEDGER: ledgerUrl,
        ...(sabotage === undefined ? {} : { CHAOS_SABOTAGE: sabotage }),
      },
    });
    closeSync(log);
    this.#child = child;
    this.#paused = false;
    this.#expected = false;
    this.#ended = new Promise((done) => {
      child.once("exit", () => {
        this.#child = undefined;
        if (!this.#expected) this.ownEnds++;
        done();
        this.#startSoon(this.#expected ? 0 : 500);
      });
    });
  }

  /** Ends it, and starts it again after a while. */
  end(signal: "SIGKILL" | "SIGTERM", downMs: number): void {
    if (!this.#child) return;
    this.#expected = true;
    this.#child.kill(signal);
    // A stopped process hears nothing but SIGKILL.
    if (signal === "SIGTERM" && this.#paused) this.#child.kill("SIGCONT");
    void this.#ended.then(() => this.#startSoon(downMs));
  }

  pause(ms: number): void {
    const child = this.#child;
    if (!child || this.#paused) return;
    this.#paused = true;
    child.kill("SIGSTOP");
    setTimeout(() => {
      if (this.#child !== child) return;
      child.kill("SIGCONT");
      this.#paused = false;
    }, ms);
  }

  /** Ends it for good. */
  async close(): Promise<void> {
    this.#closing = true;
    clearTimeout(this.#timer);
    const child = this.#child;
    if (!child) return;
    this.#expected = true;
    child.kill("SIGTERM");
    child.kill("SIGCONT");
    const timer = setTimeout(() => child.kill("SIGKILL"), STOP_MS);
    await this.#ended;
    clearTimeout(timer);
  }

  get logFile(): string {
    return path.join(this.#options.folder, `${this.name}.log`);
  }

  /** What it wrote last. */
  lastLines(count: number): string {
    try {
      return readFileSync(this.logFile, "utf8").trim().split("\n").slice(-count).join("\n");
    } catch {
      return "";
    }
  }

  #startSoon(ms: number): void {
    if (this.#closing) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.start(), ms);
  }
}
