/**
 * The smoke version: W1 beside the ceiling, in less than a minute. It fails on a ratio to the ceiling, never on an
 * absolute time, so it says the same on a fast machine, a slow one and a busy one.
 */
import { type Bench, CEILINGS } from "./bench.ts";
import { chain } from "./flows.ts";
import { type SmokeCheck, type SmokePair, type SmokeVerdict, verdictOf } from "./smoke-verdict.ts";

/** Far below what is measured: they are there to notice a mistake, not a percent. */
const BUSY: readonly SmokeCheck[] = [
  { name: "W1, 256 in flight", figure: "steps/s", limit: { atLeast: 0.03 } },
  { name: "W1, 256 in flight", figure: "cpu all µs", limit: { atMost: 30 } },
];
const ALONE: readonly SmokeCheck[] = [{ name: "W1, alone", figure: "p50 ms", limit: { atMost: 5 } }];

/** Rounds go on until everything has passed once, and this often at most. */
const MOST_ROUNDS = 5;

export async function smoke(bench: Bench): Promise<SmokeVerdict[]> {
  const flow = chain(10);
  const [mode] = CEILINGS;
  const durability = "default";
  const pairOf = async (extent: ReturnType<Bench["throughput"]>): Promise<() => Promise<SmokePair>> => {
    const engine = await bench.engine("rayflow", { durability }, flow, extent);
    const ceiling = await bench.ceilingOf("batched", durability, flow, extent);
    return async () => ({ engine: await engine.sample(), ceiling: await ceiling.sample() });
  };
  const busy = await pairOf(bench.throughput(256));
  const alone = await pairOf(bench.latency());
  await busy();
  const busyPairs: SmokePair[] = [];
  const alonePairs: SmokePair[] = [];
  let verdicts: SmokeVerdict[] = [];
  for (let round = 0; round < MOST_ROUNDS; round++) {
    busyPairs.push(await busy());
    alonePairs.push(await alone());
    verdicts = [
      ...BUSY.map((check) => verdictOf(check, busyPairs)),
      ...ALONE.map((check) => verdictOf(check, alonePairs)),
    ];
    bench.say(`smoke, round ${round + 1}, engine / ${mode}: ${verdicts.map(line).join("; ")}`);
    if (round > 0 && verdicts.every(({ passed }) => passed)) break;
  }
  return verdicts;
}

function line({ name, best, limit, passed }: SmokeVerdict): string {
  return `${name} ${best.toPrecision(3)} (${limit}${passed ? "" : ": FAILED"})`;
}
