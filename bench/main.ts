/** `npm run bench`: measures, writes tables to stderr as they come and everything as JSON at the end. */
import { writeFileSync } from "node:fs";
import { Bench } from "./bench.ts";
import { describeMachine, type Machine } from "./machine.ts";
import { readOptions, usage } from "./options.ts";
import { caseTable, machineLine } from "./report.ts";
import { smoke } from "./smoke.ts";
import { workloads } from "./workloads/index.ts";

const say = (line: string): void => {
  process.stderr.write(`${line}\n`);
};

async function main(): Promise<void> {
  const options = readOptions(process.argv.slice(2));
  if (options === "help") return void process.stdout.write(usage);
  const unknown = options.only.find((name) => !(name in workloads));
  if (unknown !== undefined) throw new Error(`no workload ${unknown}; there are ${Object.keys(workloads).join(", ")}`);
  const machine = await describeMachine();
  say(`${machineLine(machine)}\n`);
  const bench = new Bench(options, say, (result) => say(`\n${caseTable(result)}`));
  const stop = (): void => {
    void bench.close().finally(() => process.exit(130));
  };
  process.once("SIGINT", stop);
  process.once("SIGTERM", stop);
  try {
    if (options.smoke) return await smokeTest(bench, machine);
    for (const durability of options.durabilities) {
      for (const [name, workload] of Object.entries(workloads)) {
        if (options.only.length === 0 || options.only.includes(name)) await workload(bench, durability);
      }
      await bench.close();
    }
  } finally {
    await bench.close();
  }
  const json = `${JSON.stringify({ machine, options, results: bench.results }, null, 2)}\n`;
  if (options.out === undefined) process.stdout.write(json);
  else writeFileSync(options.out, json);
}

/** Its verdicts are the JSON, and the exit code says whether all passed. */
async function smokeTest(bench: Bench, machine: Machine): Promise<void> {
  const verdicts = await smoke(bench);
  process.stdout.write(`${JSON.stringify({ machine, verdicts }, null, 2)}\n`);
  if (verdicts.some(({ passed }) => !passed)) throw new Error("the engine is too far from the ceiling");
}

main().then(
  () => process.exit(0),
  (error: unknown) => {
    say(`bench: ${error instanceof Error ? error.stack : String(error)}`);
    process.exit(1);
  },
);
