/** What the figures were measured on, and with. */
import { execFileSync } from "node:child_process";
import { cpus, loadavg, release, totalmem } from "node:os";
import { findServerBinary } from "../nats/index.ts";
import { root } from "./processes.ts";

export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memory_gib: number;
  readonly kernel: string;
  readonly node: string;
  readonly nats_server: string;
  /** The commit, and `+changes` when the checkout holds others. */
  readonly commit: string;
  /** What else ran when the bench began: the load average of the last minute. */
  readonly load_before: number;
  readonly date: string;
}

export async function describeMachine(): Promise<Machine> {
  const all = cpus();
  const git = (...args: string[]): string => {
    try {
      return execFileSync("git", args, { cwd: root, encoding: "utf8" }).trim();
    } catch {
      return "";
    }
  };
  return {
    cpu: all[0]?.model ?? "unknown",
    cores: all.length,
    memory_gib: Math.round(totalmem() / 2 ** 30),
    kernel: release(),
    node: process.version,
    nats_server: versionIn(execFileSync((await findServerBinary()).path, ["--version"], { encoding: "utf8" })),
    commit: `${git("rev-parse", "--short", "HEAD") || "none"}${git("status", "--porcelain", "-uno") === "" ? "" : "+changes"}`,
    load_before: loadavg()[0] ?? 0,
    date: new Date().toISOString(),
  };
}

/** `nats-server: v2.14.0` */
function versionIn(printed: string): string {
  return /v?(\d+\.\d+\.\d+\S*)/.exec(printed)?.[1] ?? printed.trim();
}
