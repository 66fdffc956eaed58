/**
 * A campaign: a whole RayFlow of real processes, runs that keep flowing through it, and faults, one after the other.
 * In the end every run is looked at. Nothing in here is known to the system under test.
 */
import { createWriteStream } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { pathToFileURL } from "node:url";
import type { NatsConnection } from "@nats-io/transport-node";
import { connectNats, decodeMessage, ensureTopology, runEvent, subjects } from "../../nats/index.ts";
import { NodeCatalog, RunLog } from "../../store/index.ts";
import { root } from "../rayflow-process.ts";
import { type FaultKind, Faults } from "./faults.ts";
import { startLedger } from "./ledger.ts";
import { tapLog } from "./log-tap.ts";
import { watchOwnership } from "./ownership.ts";
import { Member, type Role } from "./processes.ts";
import { type FaultyProxy, startProxy } from "./proxy.ts";
import { randomOf } from "./random.ts";
import { type Ending, type Report, reportOf } from "./report.ts";
import { type Sabotage, sabotageWeights } from "./sabotage.ts";
import { type Servers, startServers } from "./servers.ts";
import type { ShapeName } from "./shapes.ts";
import { Traffic } from "./traffic.ts";
import { judge, recordedRuns } from "./verdict.ts";

export interface CampaignOptions {
  /** How long faults happen, ms. */
  readonly durationMs: number;
  readonly seed: number;
  readonly shape?: "single" | "cluster";
  readonly sabotage?: Sabotage;
  readonly orchestrators?: number;
  readonly actors?: number;
  readonly maxInFlight?: number;
  readonly maxPerSecond?: number;
  /** Mean time between two faults, ms. Default 1 500. */
  readonly meanIntervalMs?: number;
  /** How often each fault comes, where it is not as usual. */
  readonly weights?: Partial<Record<FaultKind, number>>;
  /** How often each flow comes, where it is not as usual. */
  readonly shapes?: Partial<Record<ShapeName, number>>;
  /** How long runs may take to end after the last fault, ms. Default 90 000. */
  readonly settleMs?: number;
  /** Done once at the end of the faults. */
  readonly lastFault?: FaultKind;
  /** Hears about once a second how it goes. */
  readonly onProgress?: (line: string) => void;
  /** Keep the logs of all processes. Default: only when something was found. */
  readonly keepFiles?: boolean;
}

const READY_MS = 60_000;
const NEEDED_TYPES = ["chaos_step", "control_for_each", "variables_increment", "math_add"];

export async function runCampaign(options: CampaignOptions): Promise<Report> {
  const folder = await mkdtemp(path.join(tmpdir(), "rayflow-chaos-"));
  let clean = false;
  try {
    const report = await withStack(folder, options);
    clean = report.passed;
    return clean && options.keepFiles !== true ? report : { ...report, folder };
  } finally {
    if (clean && options.keepFiles !== true) await rm(folder, { recursive: true, force: true });
  }
}

async function withStack(folder: string, options: CampaignOptions): Promise<Report> {
  const { shape = "single", sabotage, orchestrators = 3, actors = 3, seed, onProgress } = options;
  const random = randomOf(seed);
  const startedAt = performance.now();
  await using stack = new AsyncDisposableStackLite();
  const servers = stack.use(await startServers(folder, shape));
  const nc = await connectNats({ name: "chaos campaign", servers: servers.urls, timeoutMs: 10_000 });
  stack.defer(() => nc.close());
  const topology = await untilDone(() => ensureTopology(nc, shape === "cluster" ? { replicas: 3 } : {}), READY_MS);
  const ledger = stack.use(await startLedger());
  const proxies = stack.use(await startProxies(servers));
  const members = await startMembers({
    folder,
    servers,
    proxies: proxies.all,
    ledgerUrl: ledger.url,
    orchestrators,
    actors,
    sabotage,
  });
  stack.defer(async () => {
    await Promise.all(members.map((member) => member.close()));
  });
  await untilTypesKnown(nc);

  const log = await RunLog.open(nc, topology.partitions);
  const traffic = new Traffic({
    nc,
    log,
    ledger,
    partitions: topology.partitions,
    random: randomOf(seed + 1),
    name: `chaos-${seed}`,
    maxInFlight: options.maxInFlight ?? 250,
    maxPerSecond: options.maxPerSecond ?? 40,
    shapes: options.shapes ?? {},
  });
  const endings: Ending[] = [];
  const ended = (id: string): void => {
    const run = traffic.ended(id);
    if (run)
      endings.push({ at: performance.now(), partition: run.partition, tookMs: performance.now() - run.publishedAt });
  };
  const copy = options.keepFiles === true ? createWriteStream(path.join(folder, "log.jsonl")) : undefined;
  const tap = await tapLog(log, topology.partitions, ended, copy);
  stack.defer(() => tap.stop());
  const refused = new Map<string, string>();
  nc.subscribe(subjects.eventAll(), {
    callback: (_, message) => {
      const decoded = /\.(finished|refused)$/.test(message.subject) ? decodeMessage(runEvent, message.data) : undefined;
      if (!decoded?.ok) return;
      if (decoded.value.kind === "finished") ended(decoded.value.run_id);
      if (decoded.value.kind === "refused") refused.set(decoded.value.run_id, decoded.value.error.message);
    },
  });

  const ownership = watchOwnership(nc);
  stack.defer(() => ownership.stop());
  const faults = new Faults({
    nc,
    servers,
    members,
    traffic,
    tap,
    random,
    meanIntervalMs: options.meanIntervalMs ?? 1_500,
    weights: { ...(sabotage && sabotageWeights[sabotage]), ...options.weights },
  });
  const progress = setInterval(() => {
    const seconds = Math.round((performance.now() - startedAt) / 1_000);
    onProgress?.(
      `${seconds} s: ${traffic.runs.size} runs, ${traffic.inFlight} in flight, ${faults.done.length} faults, ${ledger.recorded} effects`,
    );
  }, 1_000);
  stack.defer(async () => clearInterval(progress));

  const flowingSince = performance.now();
  traffic.start();
  await faults.run(options.durationMs);
  if (options.lastFault !== undefined) await faults.do(options.lastFault);
  const flowedMs = performance.now() - flowingSince;
  await traffic.stop();
  const settling = performance.now();
  const settleMs = options.settleMs ?? 90_000;
  while (traffic.inFlight > 0 && performance.now() - settling < settleMs) await delay(50);
  const settledMs = performance.now() - settling;
  // The history of the last runs is on its way.
  while (performance.now() - settling < settleMs) {
    const recorded = await recordedRuns(nc).catch(() => undefined);
    if (recorded && [...traffic.runs.values()].every(({ id, endedAt }) => endedAt === undefined || recorded.has(id)))
      break;
    await delay(500);
  }
  const timeline = faults.done.map(({ kind, target, clock }) => `${clock} ${kind}: ${target}`);
  await writeFile(path.join(folder, "faults.log"), timeline.join("\n"));
  await ownership.stop();
  const verdict = await judge({ nc, runs: traffic.runs, tap, ledger, ownership });
  const own = members.filter(({ ownEnds }) => ownEnds > 0).map(({ name, ownEnds }) => `${name}: ${ownEnds}`);
  return reportOf({
    options,
    traffic,
    verdict,
    faults: faults.done,
    resultsAgain: faults.resultsAgain,
    endings,
    ledger,
    flowedMs,
    settledMs,
    ownEnds: own,
    refused,
  });
}

async function startProxies(servers: Servers) {
  const all = await Promise.all([0, 1].map(() => startProxy(servers.all[0]?.port ?? 0)));
  return {
    all,
    [Symbol.asyncDispose]: async () => {
      for (const proxy of all) await proxy[Symbol.asyncDispose]();
    },
  };
}

interface MembersOptions {
  readonly folder: string;
  readonly servers: Servers;
  readonly proxies: readonly FaultyProxy[];
  readonly ledgerUrl: string;
  readonly orchestrators: number;
  readonly actors: number;
  readonly sabotage: Sabotage | undefined;
}

/** The first of each role speaks to its server through a proxy. */
async function startMembers(options: MembersOptions): Promise<Member[]> {
  const { servers, proxies, folder, ledgerUrl, sabotage } = options;
  const preload = pathToFileURL(path.join(root, "tests", "chaos", "sabotage-hooks.mjs")).href;
  const make = (role: Role, at: number): Member => {
    const proxy = at === 0 ? proxies[role === "actor" ? 1 : 0] : undefined;
    return new Member({
      role,
      name: `${role}-${at}`,
      proxy,
      servers: proxy ? [`nats://127.0.0.1:${proxy.port}`] : servers.urls,
      folder,
      ledgerUrl,
      sabotage,
      preload: sabotage === undefined ? undefined : preload,
    });
  };
  const members = [
    ...Array.from({ length: options.orchestrators }, (_, at) => make("orchestrator", at)),
    ...Array.from({ length: options.actors }, (_, at) => make("actor", at)),
  ];
  for (const member of members) member.start();
  return members;
}

async function untilTypesKnown(nc: NatsConnection): Promise<void> {
  const catalog = await NodeCatalog.open(nc);
  await untilDone(async () => {
    const known = new Set((await catalog.list()).map(({ type }) => type));
    if (!NEEDED_TYPES.every((type) => known.has(type))) throw new Error("the actors have not declared their types");
  }, READY_MS);
}

async function untilDone<T>(attempt: () => Promise<T>, longestMs: number): Promise<T> {
  const until = performance.now() + longestMs;
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (performance.now() > until) throw error;
      await delay(100);
    }
  }
}

/** Node 20 has no AsyncDisposableStack: undoes what was done, last first. */
class AsyncDisposableStackLite implements AsyncDisposable {
  readonly #undo: (() => Promise<unknown>)[] = [];

  use<T extends AsyncDisposable>(resource: T): T {
    this.#undo.push(async () => resource[Symbol.asyncDispose]());
    return resource;
  }

  defer(undo: () => Promise<unknown>): void {
    this.#undo.push(undo);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const undo of this.#undo.reverse()) await undo().catch(() => {});
  }
}
