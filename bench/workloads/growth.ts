/** How throughput changes with the number of actors, of orchestrators, and with the size of the flow. */
import type { Bench } from "../bench.ts";
import { chain } from "../flows.ts";
import type { Durability } from "../processes.ts";

const ACTORS = [1, 2, 4];
const ORCHESTRATORS = [1, 2];
const LENGTHS = [10, 100, 1_000];
/** So few that a whole generation of the longest flow ends within seconds. */
const IN_FLIGHT = 16;

export async function growth(bench: Bench, durability: Durability): Promise<void> {
  await byProcesses(bench, durability, "actors", ACTORS);
  await byProcesses(bench, durability, "orchestrators", ORCHESTRATORS);
  for (const length of LENGTHS) {
    const of = { workload: "growth", name: `chain of ${length}`, durability };
    await bench.measureFlow(of, chain(length), bench.throughput(IN_FLIGHT));
  }
}

/** Each number of processes on a server of its own, all up at once and measured in turns. */
async function byProcesses(
  bench: Bench,
  durability: Durability,
  kind: "actors" | "orchestrators",
  counts: readonly number[],
): Promise<void> {
  const label = (count: number): string => `${kind}: ${count}`;
  const of = { workload: "growth", name: kind, durability, references: [label(counts[0] ?? 1)] };
  if (!bench.wants(of.name)) return;
  await bench.close();
  const contestants = [];
  for (const count of counts) {
    contestants.push(await bench.engine(label(count), { durability, [kind]: count }, chain(10), bench.throughput(256)));
  }
  await bench.measure(of, contestants);
  await bench.close();
}
