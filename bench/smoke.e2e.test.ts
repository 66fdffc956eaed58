import { afterAll, expect, test } from "vitest";
import { Bench } from "./bench.ts";
import { readOptions } from "./options.ts";
import { smoke } from "./smoke.ts";

const options = readOptions(["--smoke", "--seconds", "1.5"]);
if (options === "help") throw new Error("not asked for help");
const bench = new Bench(
  options,
  () => {},
  () => {},
);
/** Two rounds take half a minute, five of a machine with much else to do some minutes. */
const LONGEST_MS = 300_000;

afterAll(() => bench.close());

test(
  "a chain of steps keeps its distance from bare NATS, with many runs in flight and with one",
  async () => {
    const verdicts = await smoke(bench);
    const failed = verdicts.filter(({ passed }) => !passed);
    expect(failed).toEqual([]);
    expect(verdicts.length).toBeGreaterThan(2);
  },
  LONGEST_MS,
);
