/**
 * A rolling restart of everything under load: two orchestrators, two actors, two gateways, and in the long form the three
 * servers of a cluster, each ended by SIGTERM and followed by another, while runs are submitted over HTTP and over NATS.
 */
import { request } from "node:http";
import { setTimeout as delay } from "node:timers/promises";
import { flowBuilder } from "../../flow/testing.ts";
import { submitRun } from "../../gateway/index.ts";
import { connectNats, ensureTopology, type RunResult } from "../../nats/index.ts";
import { RunLog } from "../../store/index.ts";
import { startLedger } from "../chaos/ledger.ts";
import { startServers } from "../chaos/servers.ts";
import { temporaryFolder } from "../rayflow-process.ts";
import { type Replica, roll, startReplica } from "./replicas.ts";

export interface RollingOptions {
  /** How often everything is restarted. */
  readonly rounds: number;
  readonly shape: "single" | "cluster";
  /** Runs a second, over HTTP and as many over NATS. */
  readonly perSecond: number;
  /** Most runs under way of each kind. */
  readonly maxInFlight: number;
  readonly onProgress?: (line: string) => void;
}

export interface RollingReport {
  readonly submitted: { readonly http: number; readonly nats: number };
  /** Refused connections to a gateway that was being restarted; the caller took the other one. */
  readonly refusedConnections: number;
  readonly restarts: number;
  /** Exit codes of processes that were told to stop: 0 for each that did so in order. */
  readonly exitCodes: readonly (number | null)[];
  /** What went wrong, one line each. */
  readonly findings: readonly string[];
  /** Effects that happened more than once, under the same idempotency key. */
  readonly repeatedEffects: number;
  readonly effects: number;
  readonly longestRunMs: number;
}

const work = (by: number) => ({ config: { by, work_ms: 20 } });
const flow = flowBuilder({ name: "rolling" })
  .node("start", "start")
  .node("a", "chaos_step", work(1))
  .node("each", "control_for_each", { config: { concurrency: 3 } })
  .node("body", "chaos_step", work(10))
  .node("nap", "control_sleep", { constants: { seconds: 0.5 } })
  .node("b", "chaos_step", work(100))
  .node("ret", "return", { config: { name: "done" } })
  .chain("start", "a", "each")
  .exec("each.body", "body")
  .exec("each.completed", "nap")
  .chain("nap", "b", "ret")
  .data("start.value", "a.value")
  .data("start.list", "each.list")
  .data("each.item", "body.value")
  .data("body.value", "each.collect")
  .data("a.value", "b.value")
  .data("each.results", "ret.results")
  .data("b.value", "ret.value")
  .build();
const LIST = [1, 2, 3];
const ACTIVATIONS = 2 + LIST.length;
const RUN_TIMEOUT_MS = 60_000;

export async function rollEverything(options: RollingOptions): Promise<RollingReport> {
  const folder = temporaryFolder("rayflow-rolling-");
  await using ledger = await startLedger();
  await using servers = await startServers(folder.path, options.shape);
  const urls = servers.urls.join(",");
  const nc = await connectNats({ name: "rolling", servers: [...servers.urls] });
  const replicas: Replica[] = [];
  try {
    const { partitions } = await untilSetUp(nc, options.shape === "cluster" ? 3 : 1);
    const roles = ["orchestrator", "actor", "gateway"] as const;
    const start = (role: (typeof roles)[number]) => startReplica(role, urls, ledger.url);
    // A new cluster has to agree on every queue: one process after the other. A single server needs no such care.
    if (options.shape === "cluster") for (const role of [...roles, ...roles]) replicas.push(await start(role));
    else replicas.push(...(await Promise.all([...roles, ...roles].map(start))));
    const gateways = replicas.filter(({ role }) => role === "gateway");
    const load = new Load(options, gateways, nc);
    const exitCodes: (number | null)[] = [];
    for (let round = 1; round <= options.rounds; round++) {
      // One of each role at a time, the second ones when the first ones are back.
      for (const some of [replicas.slice(0, roles.length), replicas.slice(roles.length)]) {
        options.onProgress?.(`round ${round}: ${load.count} runs so far`);
        exitCodes.push(...(await Promise.all(some.map((replica) => roll(replica, urls, ledger.url)))));
        await load.until(load.ended + 3);
      }
      if (options.shape === "cluster") {
        for (const server of servers.all) {
          await server.restart();
          await untilWhole(nc);
          await load.until(load.ended + 3);
        }
      }
    }
    await load.stop();
    const findings = [...load.findings, ...(await compare(load, nc, partitions)), ...effectsOf(load, ledger.runs)];
    if (ledger.strayKeys.length > 0) findings.push(`stray idempotency keys: ${ledger.strayKeys.length}`);
    return {
      submitted: load.submitted,
      refusedConnections: load.refusedConnections,
      restarts: exitCodes.length + (options.shape === "cluster" ? options.rounds * servers.all.length : 0),
      exitCodes,
      findings,
      effects: ledger.recorded,
      repeatedEffects: ledger.recorded - load.count * ACTIVATIONS,
      longestRunMs: Math.round(load.longestRunMs),
    };
  } finally {
    for (const { running } of replicas) running.child.kill("SIGTERM");
    await Promise.all(replicas.map(({ running }) => running.ended));
    await nc.close();
    folder.remove();
  }
}

/** A cluster that has just been started has no leader yet, and answers nothing. */
async function untilSetUp(nc: Parameters<typeof submitRun>[0], replicas: number) {
  const deadline = performance.now() + RUN_TIMEOUT_MS;
  for (;;) {
    try {
      return await ensureTopology(nc, { replicas });
    } catch (error) {
      if (performance.now() > deadline) throw error;
      await delay(500);
    }
  }
}

/** Submits runs until it is stopped, and waits for each one's end. */
class Load {
  readonly submitted = { http: 0, nats: 0 };
  readonly findings: string[] = [];
  readonly results = new Map<string, RunResult>();
  refusedConnections = 0;
  longestRunMs = 0;
  readonly #gateways: readonly Replica[];
  readonly #nc: Parameters<typeof submitRun>[0];
  readonly #options: RollingOptions;
  readonly #loops: Promise<void>[];
  #flowing = true;

  constructor(options: RollingOptions, gateways: readonly Replica[], nc: Parameters<typeof submitRun>[0]) {
    this.#options = options;
    this.#gateways = gateways;
    this.#nc = nc;
    this.#loops = [this.#flow("http", (id, value) => this.#overHttp(id, value)), this.#flow("nats", this.#overNats)];
  }

  get ended(): number {
    return this.results.size;
  }

  get count(): number {
    return this.submitted.http + this.submitted.nats;
  }

  async until(ended: number): Promise<void> {
    const deadline = performance.now() + RUN_TIMEOUT_MS;
    while (this.ended < ended && performance.now() < deadline) await delay(10);
  }

  async stop(): Promise<void> {
    this.#flowing = false;
    await Promise.all(this.#loops);
  }

  async #flow(kind: "http" | "nats", submit: (id: string, value: number) => Promise<RunResult>): Promise<void> {
    const { perSecond, maxInFlight } = this.#options;
    const underWay = new Set<Promise<void>>();
    for (let serial = 0; this.#flowing; serial++) {
      while (underWay.size >= maxInFlight) await Promise.race(underWay);
      this.submitted[kind]++;
      const run: Promise<void> = this.#follow(`${kind}-${serial}`, serial, submit).finally(() => underWay.delete(run));
      underWay.add(run);
      await delay(1_000 / perSecond);
    }
    await Promise.all(underWay);
  }

  async #follow(id: string, value: number, submit: (id: string, value: number) => Promise<RunResult>): Promise<void> {
    const begun = performance.now();
    try {
      const result = await submit(id, value);
      this.longestRunMs = Math.max(this.longestRunMs, performance.now() - begun);
      if (this.results.has(result.run_id)) this.findings.push(`${id}: two submissions became one run`);
      this.results.set(result.run_id, result);
      const wanted = JSON.stringify({ results: LIST.map((item) => item + 10), value: value + 101 });
      if (!result.success || JSON.stringify(result.result) !== wanted || result.statistics.nodes_failed > 0) {
        this.findings.push(`${id}: ${JSON.stringify({ ...result, logs: undefined })}`);
      }
    } catch (error) {
      this.findings.push(`${id}: ${String(error)}`);
    }
  }

  readonly #overNats = async (id: string, value: number): Promise<RunResult> => {
    const options = { msgId: id, timeoutMs: RUN_TIMEOUT_MS };
    return (await submitRun(this.#nc, { flow, inputs: { value, list: LIST } }, options)).result;
  };

  /** By turns at both gateways; at the other one when one takes no connections. */
  async #overHttp(id: string, value: number): Promise<RunResult> {
    for (let at = value; ; at++) {
      const gateway = this.#gateways[at % this.#gateways.length];
      try {
        const body = { flow, inputs: { value, list: LIST } };
        const { status, text } = await post(`${gateway?.url}/api/flows/execute`, id, body);
        if (status === 200) return JSON.parse(text) as RunResult;
        throw new Error(`HTTP ${status}: ${text.slice(0, 300)}`);
      } catch (error) {
        if (!isRefusal(error) || gateway?.restarting !== true) throw error;
        this.refusedConnections++;
        await delay(5);
      }
    }
  }
}

/** A connection that was not taken; reset: it stood in the queue of the port when that was closed. */
function isRefusal(error: unknown): boolean {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  return code === "ECONNREFUSED" || code === "ECONNRESET";
}

/** A connection for each request, so that one which is refused says that nothing was sent. */
function post(url: string, key: string, body: unknown): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const headers = { "content-type": "application/json", "idempotency-key": key };
    const sent = request(url, { method: "POST", agent: false, headers }, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (part: string) => {
        text += part;
      });
      response.on("end", () => resolve({ status: response.statusCode ?? 0, text }));
      response.on("error", reject);
    });
    sent.on("error", reject);
    sent.end(JSON.stringify(body));
  });
}

/** The history holds each run once, with the result that its caller was told. */
async function compare(load: Load, nc: Parameters<typeof submitRun>[0], partitions: number): Promise<string[]> {
  const log = await RunLog.open(nc, partitions);
  const deadline = performance.now() + 10_000;
  let listed = await log.listHistory({ limit: 2 * load.count });
  // It is written right after the run has ended.
  while (listed.length < load.count && performance.now() < deadline) {
    await delay(50);
    listed = await log.listHistory({ limit: 2 * load.count });
  }
  const findings: string[] = [];
  if (listed.length !== load.count)
    findings.push(`${load.count} runs were submitted, the history holds ${listed.length}`);
  const seen = new Set<string>();
  for (const { run: run_id, status } of listed) {
    if (seen.has(run_id)) findings.push(`${run_id} is in the history twice`);
    seen.add(run_id);
    if (status !== "succeeded") findings.push(`${run_id} is ${status}`);
    if (!load.results.has(run_id)) findings.push(`nobody submitted ${run_id}`);
  }
  return findings;
}

/** Every activation had its effect, and no other one. */
function effectsOf(load: Load, runs: ReadonlyMap<string, ReadonlyMap<string, unknown>>): string[] {
  const wrong = [...load.results.keys()].filter((run) => runs.get(run)?.size !== ACTIVATIONS);
  return wrong.map((run) => `${run}: ${runs.get(run)?.size ?? 0} activations had an effect, not ${ACTIVATIONS}`);
}

/** All copies of the streams are there and up to date: only then the next server may go. */
async function untilWhole(nc: Parameters<typeof submitRun>[0]): Promise<void> {
  const { jetstreamManager } = await import("@nats-io/jetstream");
  const jsm = await jetstreamManager(nc, { checkAPI: false, timeout: 2_000 });
  const deadline = performance.now() + RUN_TIMEOUT_MS;
  while (performance.now() < deadline) {
    try {
      let whole = true;
      for await (const { cluster } of jsm.streams.list()) {
        if (!cluster?.leader || cluster.replicas?.some(({ current, offline }) => !current || offline)) whole = false;
      }
      if (whole) return;
    } catch {
      // Without a leader nobody answers.
    }
    await delay(200);
  }
}
