/** What `rayflow doctor` and `/api/admin/status` find out about a server: one check a line, each with what to do about it. */
import { jetstreamManager } from "@nats-io/jetstream";
import { type NatsConnection, PermissionViolationError } from "@nats-io/transport-node";
import { RayflowError, toErrorInfo } from "../flow/index.ts";
import { readTopology } from "../nats/index.ts";
import { type Check, guarded } from "./diagnosis/check.ts";
import { checkLags, checkOrchestrators } from "./diagnosis/orchestrator-checks.ts";
import { checkIntake, checkQueues } from "./diagnosis/queue-checks.ts";
import { checkRuns } from "./diagnosis/run-checks.ts";
import { checkClock, checkDurability, checkLimits, checkServer } from "./diagnosis/server-checks.ts";
import { checkStreams } from "./diagnosis/stream-checks.ts";
import { serverNowMs } from "./server-clock.ts";

export type { Check, Level } from "./diagnosis/check.ts";

export interface DiagnoseOptions {
  /** How long to watch what may grow, ms. Default 0: one look. */
  readonly sampleMs?: number;
  /** How long a run may stand still before it counts as stuck, ms. Default an hour. */
  readonly stuckAfterMs?: number;
  /** From how much on it is late that a message is not carried out or a submission not taken, ms. Default 10 000. */
  readonly lateAfterMs?: number;
  /** This machine's clock. Default: real time. */
  readonly now?: () => number;
}

const DEFAULT_STUCK_AFTER_MS = 3_600_000;
const DEFAULT_LATE_AFTER_MS = 10_000;

/** All checks of a server that is connected. Never throws: what goes wrong is a check that fails. */
export async function diagnose(nc: NatsConnection, options: DiagnoseOptions = {}): Promise<Check[]> {
  const { sampleMs = 0, now = Date.now } = options;
  const { stuckAfterMs = DEFAULT_STUCK_AFTER_MS, lateAfterMs = DEFAULT_LATE_AFTER_MS } = options;
  const denials = watchDenials(nc);
  try {
    const server = await guarded("server", () => checkServer(nc));
    if (isFaulty(server)) return [...server, ...denials.checks()];
    const jsm = await jetstreamManager(nc, { checkAPI: false });
    let report: Awaited<ReturnType<typeof readTopology>> | undefined;
    const streams = await guarded("streams", async () => {
      report = await readTopology(nc);
      const nowMs = report.infos.size === 0 ? now() : await serverNowMs(jsm).catch(now);
      return checkStreams(report, nowMs);
    });
    if (report === undefined || report.missing.length > 0) return [...server, ...streams, ...denials.checks()];
    const topology = report;
    const { partitions } = topology.settings;
    const nowMs = await serverNowMs(jsm).catch(now);
    const rest = await Promise.all([
      guarded("limits", () => checkLimits(nc, jsm)),
      guarded("clock", () => checkClock(jsm, now)),
      guarded("durability", async () => checkDurability(nc, topology)),
      guarded("orchestrators", () => checkOrchestrators(nc, partitions)),
      guarded("partitions", () => checkLags(nc, jsm, partitions, { nowMs, lateAfterMs })),
      guarded("actors", () => checkQueues(nc, jsm, sampleMs)),
      guarded("submissions", () => checkIntake(jsm, topology, { nowMs, lateAfterMs })),
      guarded("runs", () => checkRuns(nc, topology, nowMs, stuckAfterMs)),
    ]);
    return [...server, ...streams, ...rest.flat(), ...denials.checks()];
  } finally {
    denials.stop();
  }
}

function isFaulty(checks: readonly Check[]): boolean {
  return checks.some(({ level }) => level === "fail");
}

/** What the server says that this user may not do, also where nobody waits for the answer. */
function watchDenials(nc: NatsConnection): { checks: () => Check[]; stop: () => void } {
  const denied = new Set<string>();
  const statuses = nc.status();
  void (async () => {
    for await (const status of statuses) {
      if (status.type !== "error" || !(status.error instanceof PermissionViolationError)) continue;
      const { operation, subject } = status.error;
      // Whether a message can be stored is tried and said in a check of its own.
      if (!subject.endsWith(".doctor")) denied.add(`${operation} ${subject}`);
    }
  })();
  return {
    checks: () => {
      if (denied.size === 0) return [];
      const message = `the server refused this user: ${[...denied].slice(0, 5).join(", ")}${denied.size > 5 ? ", …" : ""}`;
      const advice = "give it the rights of its role: rayflow nats auth render, and docs/security.md";
      return [{ name: "permissions", level: "fail", message, advice }];
    },
    stop: () => {
      if ("stop" in statuses && typeof statuses.stop === "function") statuses.stop();
    },
  };
}

/** What to do about a server that could not be used, by the code of the error. */
const UNREACHABLE_ADVICE: Readonly<Record<string, string>> = {
  ServerTooOld: "replace it: https://github.com/nats-io/nats-server/releases, or brew install nats-server",
  JetStreamDisabled: "turn JetStream on: start nats-server with -js, or put a jetstream block into its configuration",
};

/** The check that stands for a server that could not be reached. */
export function unreachable(error: unknown): Check {
  const { code, message } = error instanceof RayflowError ? error : toErrorInfo(error);
  const denied = /authoriz|authentic|credential|permission/i.test(message);
  const advice =
    UNREACHABLE_ADVICE[code] ??
    (denied
      ? "check --creds, --user and --password or --token (NATS_CREDS, NATS_USER, NATS_PASSWORD, NATS_TOKEN)"
      : "start `rayflow dev`, or name a server with --server");
  return { name: "server", level: "fail", message: `${code}: ${message}`, advice };
}
