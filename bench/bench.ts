/** What a workload has at hand: the processes that it measures, started when first wanted, and a place for its figures. */
import { type Ceiling, startCeiling } from "./ceiling/ceiling.ts";
import type { CeilingMode } from "./ceiling/protocol.ts";
import { type Contestant, contest, type Sample, type Standing } from "./contest.ts";
import type { MeasuredFlow } from "./flows.ts";
import type { LoadAnswer, LoadReport } from "./load/protocol.ts";
import type { Extent } from "./measurement.ts";
import type { BenchOptions } from "./options.ts";
import { cpuPerStep } from "./process-cpu.ts";
import { ask, type Durability, type Stack, type StackOptions, startStack } from "./processes.ts";
import { quantile } from "./statistics.ts";

/** What was measured of one case. */
export interface CaseResult {
  readonly workload: string;
  readonly name: string;
  readonly durability: Durability;
  /** Contestants that the others are set in relation to. */
  readonly references: readonly string[];
  readonly standings: readonly Standing[];
}

export interface Case {
  readonly workload: string;
  readonly name: string;
  readonly durability: Durability;
  /** Default: as the command line says. */
  readonly rounds?: number;
  /** Default true. */
  readonly warmup?: boolean;
  /** Default: the ceilings. */
  readonly references?: readonly string[];
}

export const CEILINGS = ["ceiling batched", "ceiling single", "ceiling whole"] as const;
/** Up to so many steps, what surrounds a run weighs enough to be measured too. */
const SHORT_RUN = 100;

export class Bench {
  readonly options: BenchOptions;
  readonly results: CaseResult[] = [];
  readonly #say: (line: string) => void;
  readonly #onCase: (result: CaseResult) => void;
  readonly #stacks = new Map<string, Promise<Stack>>();
  readonly #ceilings = new Map<Durability, Promise<Ceiling>>();

  constructor(options: BenchOptions, say: (line: string) => void, onCase: (result: CaseResult) => void) {
    this.options = options;
    this.#say = say;
    this.#onCase = onCase;
  }

  say(line: string): void {
    this.#say(line);
  }

  /** One orchestrator and one actor, shared by all workloads that want no other. */
  stack(options: StackOptions): Promise<Stack> {
    const key = JSON.stringify(options);
    const found = this.#stacks.get(key) ?? startStack(options);
    this.#stacks.set(key, found);
    return found;
  }

  ceiling(durability: Durability): Promise<Ceiling> {
    const found = this.#ceilings.get(durability) ?? startCeiling(durability);
    this.#ceilings.set(durability, found);
    return found;
  }

  /** Measures the contestants in turns and keeps what comes of it. */
  async measure(of: Case, contestants: readonly Contestant[]): Promise<CaseResult> {
    this.say(`${of.workload} ${of.name} (${of.durability})`);
    const { rounds = this.options.rounds, warmup = true } = of;
    return this.keep(of, await contest(contestants, { rounds, warmup }));
  }

  keep(
    { workload, name, durability, references = ["against", ...CEILINGS] }: Case,
    standings: readonly Standing[],
  ): CaseResult {
    const result: CaseResult = { workload, name, durability, references, standings };
    this.results.push(result);
    this.#onCase(result);
    return result;
  }

  /** So many runs at all times, for as long as the command line says. */
  throughput(inFlight: number): Extent {
    const { warmupMs, measureMs } = this.options;
    return { type: "throughput", inFlight, warmupMs, measureMs };
  }

  /** One run after the other; `share`: of the number that the command line says. */
  latency(share = 1): Extent {
    const runs = Math.max(3, Math.round(this.options.latencyRuns * share));
    return { type: "latency", warmupRuns: Math.min(10, runs), runs };
  }

  /** Whether the command line asks for a case. */
  wants(name: string): boolean {
    return name.includes(this.options.case);
  }

  /** RayFlow (each of the checkouts that are compared) and the ceiling at the same work. */
  async measureFlow(of: Case, flow: MeasuredFlow, extent: Extent, { bare = false } = {}): Promise<void> {
    if (!this.wants(of.name)) return;
    const { durability } = of;
    const { against } = this.options;
    await this.measure(of, [
      await this.engine("rayflow", { durability }, flow, extent),
      ...(against === undefined ? [] : [await this.engine("against", { durability, checkout: against }, flow, extent)]),
      ...(bare ? [await this.engine("rayflow, bare flow", { durability }, flow, extent, "bare")] : []),
      await this.ceilingOf("batched", durability, flow, extent),
      await this.ceilingOf("single", durability, flow, extent),
      ...(flow.steps <= SHORT_RUN ? [await this.ceilingOf("whole", durability, flow, extent)] : []),
    ]);
  }

  /** Runs of a flow that is deployed and started by its name; `bare`: it travels in each submission. */
  async engine(
    name: string,
    on: StackOptions,
    flow: MeasuredFlow,
    extent: Extent,
    bare: "bare" | "deployed" = "deployed",
  ): Promise<Contestant> {
    const stack = await this.stack(on);
    if (bare === "deployed") await stack.deploy(flow.name, flow.flow);
    return { name, sample: () => sampleStack(stack, flow, extent, bare) };
  }

  async ceilingOf(
    mode: CeilingMode,
    durability: Durability,
    { stages, steps, payloadBytes = 0 }: MeasuredFlow,
    extent: Extent,
  ): Promise<Contestant> {
    const ceiling = await this.ceiling(durability);
    return {
      name: `ceiling ${mode}`,
      sample: async () => sampleOf(await ceiling.measure({ mode, stages, payloadBytes, extent }), steps, extent),
    };
  }

  /** Ends all processes; those that are wanted again are started again. */
  async close(): Promise<void> {
    const all = [...this.#stacks.values(), ...this.#ceilings.values()];
    this.#stacks.clear();
    this.#ceilings.clear();
    for (const found of await Promise.allSettled(all)) if (found.status === "fulfilled") await found.value.close();
  }
}

/** One measurement of a stack that is up. */
export async function sampleStack(
  stack: Stack,
  flow: MeasuredFlow,
  extent: Extent,
  bare: "bare" | "deployed" = "deployed",
): Promise<Sample> {
  const payload = bare === "bare" ? { flow: flow.flow, inputs: flow.inputs } : flow.inputs;
  const target = {
    subject: bare === "bare" ? "rayflow.flow.run" : `rayflow.flow.run.${flow.name}`,
    payload: JSON.stringify(payload),
    result: flow.result,
    steps: flow.steps,
  };
  const answer = await ask<LoadAnswer>(stack.load, { target, extent, pids: stack.pids });
  if (answer.type !== "report") throw new Error(`the load generator answered ${answer.type}`);
  return sampleOf(answer.report, flow.steps, extent);
}

export function sampleOf(report: LoadReport, steps: number, extent: Extent): Sample {
  const { runs, seconds, cpuBefore, cpuAfter, latenciesMs } = report;
  const cpu = cpuPerStep(cpuBefore, cpuAfter, runs * steps);
  const all = Object.values(cpu).reduce((sum, one) => sum + one, 0);
  return {
    ...(extent.type === "throughput" ? { "steps/s": (runs * steps) / seconds } : {}),
    "p50 ms": quantile(latenciesMs, 0.5),
    "p99 ms": quantile(latenciesMs, 0.99),
    ...Object.fromEntries(Object.entries(cpu).map(([name, value]) => [`cpu ${name} µs`, value])),
    "cpu all µs": all,
  };
}
