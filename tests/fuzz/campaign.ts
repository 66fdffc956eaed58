/**
 * A fuzz campaign against real processes: throws inputs at every entry; in between a good run has to pass, and at the end
 * neither memory nor open files nor streams may have grown.
 */

import { randomUUID } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { headers } from "@nats-io/transport-node";
import fc from "fast-check";
import { headerNames, partitionOf, runIdOf, subjects } from "../../nats/index.ts";
import { root } from "../rayflow-process.ts";
import { type FuzzInput, inputs, type Surroundings } from "./inputs.ts";
import type { Sabotage } from "./sabotage.ts";
import { type Figures, type System, startSystem } from "./system.ts";
import { Thrower } from "./throw.ts";

export interface CampaignOptions {
  readonly inputs: number;
  readonly seed: number;
  /** Breaks something that the campaign has to find. */
  readonly sabotage?: Sabotage | undefined;
  /** Hears how it goes. */
  readonly say?: (line: string) => void;
}

export interface CampaignReport {
  readonly thrown: number;
  readonly byEntry: Readonly<Record<string, number>>;
  /** Good runs that passed in between. */
  readonly goodRuns: number;
  /** What is wrong, with the input that did it where that is known. */
  readonly findings: readonly string[];
  /** After the first batches, and after everything has settled. */
  readonly before: Figures;
  readonly after: Figures;
  readonly seconds: number;
}

/** Inputs between two good runs: fewer in a short campaign. */
const LONGEST_BATCH = 1_000;
const BATCHES = 8;
const AT_ONCE = 64;
const GOOD_RUN_MS = 20_000;
const SETTLE_MS = 60_000;
/** Batches before the first figures: code is compiled, caches are filled. */
const WARM_UP = 0.2;
const MAX_GROWTH_MIB = 150;
const MAX_MORE_HANDLES = 24;
/** What may be left in a stream. The log is cut off behind what rests, but for what came last. */
const MAX_LEFT: Readonly<Record<string, number>> = { RAYFLOW_SUBMIT: 500, RAYFLOW_NODES: 500, RAYFLOW_LOG: 1_000 };
const PARTITIONS = 8;

export async function campaign(options: CampaignOptions): Promise<CampaignReport> {
  const started = performance.now();
  const system = await startSystem(options.sabotage);
  try {
    return await run(system, options, started);
  } finally {
    await system.stop();
  }
}

async function run(system: System, options: CampaignOptions, started: number) {
  const { inputs: count, seed, sabotage, say = () => {} } = options;
  const findings: string[] = [];
  const byEntry: Record<string, number> = {};
  const on = await lookAround(system);
  const arbitrary = inputs(on);
  const thrower = new Thrower(system);
  let thrown = 0;
  let goodRuns = 0;
  let before: Figures | undefined;
  const most = Math.min(LONGEST_BATCH, Math.ceil(count / BATCHES));
  // A control is found or not.
  const enough = sabotage === undefined ? 20 : 1;
  for (let batch = 0; thrown < count && findings.length < enough; batch++) {
    const size = Math.min(most, count - thrown);
    const made = fc.sample(arbitrary, { numRuns: size, seed: seed + batch });
    findings.push(...(await throwAll(thrower, made)));
    for (const { entry } of made) byEntry[entry] = (byEntry[entry] ?? 0) + 1;
    thrown += size;
    const bad = await goodRun(system);
    if (bad) findings.push(`after ${thrown} inputs (seed ${seed + batch}): ${bad}`);
    else goodRuns++;
    const ended = system.ended();
    if (ended.length > 0) {
      findings.push(...ended.map((text) => `seed ${seed + batch}: ${text}`));
      break;
    }
    if (before === undefined && thrown >= count * WARM_UP) before = await system.figures();
    if (most === LONGEST_BATCH)
      say(`${thrown} inputs, ${goodRuns} good runs, ${JSON.stringify((await system.figures()).rssMib)}`);
  }
  thrower.close();
  before ??= await system.figures().catch(() => nothing);
  const after = system.ended().length > 0 ? before : await settled(system, before);
  findings.push(...growth(before, after));
  const seconds = Math.round((performance.now() - started) / 1000);
  return { thrown, byEntry, goodRuns, findings, before, after, seconds };
}

const nothing: Figures = { rssMib: {}, handles: {}, messages: {} };

async function throwAll(thrower: Thrower, made: readonly FuzzInput[]): Promise<string[]> {
  const findings: string[] = [];
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let input = made[next++]; input; input = made[next++]) {
      const finding = await thrower.throwIt(input);
      if (finding) findings.push(`${input.entry}: ${finding}\n  by ${describe(input)}`);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return findings;
}

function describe(input: FuzzInput): string {
  const bytes = input.kind === "http" ? input.body : input.kind === "raw" ? input.bytes : input.payload;
  const where =
    input.kind === "http"
      ? `${input.method} ${input.path} ${JSON.stringify(input.headers)}`
      : input.kind === "raw"
        ? ""
        : input.subject;
  return `${where.slice(0, 500)} ${Buffer.from(bytes).toString("utf8").slice(0, 1_500)}`;
}

/** Undefined when one passed in every partition, and the gateway answers: that it lives, and a list of runs. */
async function goodRun({ nc, http }: System): Promise<string | undefined> {
  const bad = await Promise.all(Array.from({ length: PARTITIONS }, (_, partition) => goodRunIn(nc, partition)));
  const first = bad.find((one) => one !== undefined);
  if (first !== undefined) return first;
  for (const path of ["/healthz", "/api/runs?limit=5"]) {
    try {
      const answer = await fetch(http + path, { signal: AbortSignal.timeout(GOOD_RUN_MS) });
      await answer.text();
      if (!answer.ok) return `the gateway answers ${path} with ${answer.status}`;
    } catch (error) {
      return `the gateway does not answer ${path}: ${error}`;
    }
  }
  return undefined;
}

async function goodRunIn(nc: System["nc"], partition: number): Promise<string | undefined> {
  let id = randomUUID();
  while (partitionOf(runIdOf(id), PARTITIONS) !== partition) id = randomUUID();
  const head = headers();
  head.set(headerNames.msgId, id);
  try {
    const request = JSON.stringify({ flow: sum, inputs: { x: 5, y: 3 } });
    const options = { timeout: GOOD_RUN_MS, headers: head };
    const answer = await nc.request(subjects.service("flow", "run"), request, options);
    const { success, result } = answer.json<{ success: boolean; result: { sum: number } }>();
    return success && result.sum === 8 ? undefined : `a good run gave ${answer.string().slice(0, 500)}`;
  } catch (error) {
    return `a good run in partition ${partition} did not pass: ${error}`;
  }
}

async function settled(system: System, before: Figures): Promise<Figures> {
  const until = performance.now() + SETTLE_MS;
  for (;;) {
    const figures = await system.figures();
    if (growth(before, figures).length === 0 || performance.now() > until) return figures;
    await new Promise((done) => setTimeout(done, 500));
  }
}

function growth(before: Figures, after: Figures): string[] {
  const grown: string[] = [];
  for (const [name, mib] of Object.entries(after.rssMib)) {
    if (mib > (before.rssMib[name] ?? 0) + MAX_GROWTH_MIB)
      grown.push(`${name} grew from ${before.rssMib[name]} to ${mib} MiB`);
  }
  for (const [name, count] of Object.entries(after.handles)) {
    if (count > (before.handles[name] ?? 0) + MAX_MORE_HANDLES) {
      grown.push(`${name} had ${before.handles[name]} open files, and has ${count}`);
    }
  }
  for (const [stream, most] of Object.entries(MAX_LEFT)) {
    const left = after.messages[stream] ?? 0;
    if (left > most) grown.push(`${left} messages are left in ${stream}`);
  }
  return grown;
}

const example = (name: string): unknown => JSON.parse(readFileSync(path.join(root, "examples", "flows", name), "utf8"));
const sum = example("sum.json");

/** A run that waits for a signal: what is sent to it reaches a live run. */
const waiter = {
  name: "waiter",
  nodes: [
    { id: "start", type: "start" },
    { id: "a", type: "math_add", constants: { x: 1, y: 2 } },
    { id: "wait", type: "control_wait_signal", config: { signal: "go" } },
    { id: "ret", type: "return" },
  ],
  edges: [
    { source: "start", target: "wait", sourceHandle: "exec-out", targetHandle: "exec-in" },
    { source: "wait", target: "ret", sourceHandle: "exec-out", targetHandle: "exec-in" },
  ],
};

/** Flows of the examples that need nobody else: no models. */
function exampleFlows(): unknown[] {
  return readdirSync(path.join(root, "examples", "flows"))
    .filter((name) => name.endsWith(".json") && name !== "deliberation.json")
    .map(example);
}

async function lookAround(system: System): Promise<Surroundings> {
  const { nc, http } = system;
  for (;;) {
    // Until the actor's types are known.
    if ((await goodRun(system)) === undefined) break;
    if (system.ended().length > 0) throw new Error(system.ended().join("\n"));
    await new Promise((done) => setTimeout(done, 200));
  }
  const post = (where: string, body: unknown) =>
    fetch(`${http}${where}`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    });
  const started = await post("/api/flows/execute?wait=false", { flow: waiter, inputs: {} });
  const { run_id: run } = (await started.json()) as { run_id: string };
  const document = (await (await fetch(`${http}/openapi.json`)).json()) as {
    paths: Record<string, Record<string, unknown>>;
  };
  const operations = Object.entries(document.paths).flatMap(([at, methods]) =>
    Object.keys(methods).map((method) => ({ method: method.toUpperCase(), path: at })),
  );
  const info = await nc.request("$SRV.INFO", "", { timeout: 5_000 });
  const { endpoints } = info.json<{ endpoints: { subject: string }[] }>();
  return {
    flows: [...exampleFlows(), waiter],
    run: run ?? "r0",
    partition: partitionOf(run ?? "r0", PARTITIONS),
    partitions: PARTITIONS,
    operations,
    endpoints: endpoints.map(({ subject }) => subject),
  };
}
