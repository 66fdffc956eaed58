/**
 * `npm run bench:profile`: where the time goes. W1 at 256 in flight with V8's profiler in the orchestrator and the actor;
 * a flame graph of each, and what is heaviest in them.
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { parseArgs } from "node:util";
import { sampleStack } from "./bench.ts";
import { type CpuProfile, flameGraph, framesOf, heaviest } from "./flame-graph.ts";
import { chain } from "./flows.ts";
import { describeMachine } from "./machine.ts";
import { root, startStack } from "./processes.ts";
import { machineLine } from "./report.ts";

const IN_FLIGHT = 256;
/** Until the code is compiled and the runs are in flight, ms. */
const WARM_UP_MS = 3_000;
const HEAVIEST = 25;
const PROFILED = ["orchestrator", "actor"] as const;

const { values } = parseArgs({
  options: {
    out: { type: "string", default: path.join(root, "docs", "flame-graphs") },
    seconds: { type: "string", default: "8" },
  },
});

const say = (line: string): void => {
  process.stderr.write(`${line}\n`);
};

async function main(): Promise<void> {
  const folder = path.resolve(values.out);
  mkdirSync(folder, { recursive: true });
  const machine = machineLine(await describeMachine());
  say(machine);
  const flow = chain(10);
  const stack = await startStack({ durability: "default", profiles: folder });
  const began = performance.now();
  let rate: number | undefined;
  let skipMs: number;
  try {
    await stack.deploy(flow.name, flow.flow);
    skipMs = performance.now() - began + WARM_UP_MS;
    const measureMs = Number(values.seconds) * 1_000;
    const sample = await sampleStack(stack, flow, {
      type: "throughput",
      inFlight: IN_FLIGHT,
      warmupMs: WARM_UP_MS,
      measureMs,
    });
    rate = sample["steps/s"];
    say(
      Object.entries(sample)
        .map(([name, value]) => `${name} ${value.toFixed(1)}`)
        .join(", "),
    );
  } finally {
    // The profiles are written when the processes end.
    await stack.close();
  }
  for (const name of PROFILED) {
    const file = path.join(folder, `${name}.cpuprofile`);
    const frames = framesOf(JSON.parse(readFileSync(file, "utf8")) as CpuProfile, skipMs * 1_000);
    const title = `${name}, W1 with ${IN_FLIGHT} in flight, ${Math.round(rate ?? 0)} steps/s with the profiler on: its time, idle left out`;
    writeFileSync(path.join(folder, `${name}.svg`), flameGraph(frames, title));
    say(`\n${name}: ${path.relative(process.cwd(), path.join(folder, `${name}.svg`))}`);
    for (const [what, share] of heaviest(frames, HEAVIEST)) say(`${(100 * share).toFixed(1).padStart(6)} %  ${what}`);
  }
}

main().then(
  () => process.exit(0),
  (error: unknown) => {
    say(`bench:profile: ${error instanceof Error ? error.stack : String(error)}`);
    process.exit(1);
  },
);
