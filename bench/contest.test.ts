import { expect, test } from "vitest";
import { contest } from "./contest.ts";

/** Contestants that write down when they were asked. */
function contestants(names: readonly string[]) {
  const asked: string[] = [];
  return {
    asked,
    all: names.map((name, i) => ({
      name,
      sample: async () => {
        asked.push(name);
        return { "steps/s": (i + 1) * asked.length };
      },
    })),
  };
}

test("they take turns, and every second round goes the other way round", async () => {
  const { asked, all } = contestants(["a", "b", "c"]);
  await contest(all, { rounds: 2, warmup: false });
  expect(asked.join("")).toBe("abccba");
});

test("the round that warms up does not count", async () => {
  const { asked, all } = contestants(["a"]);
  const [a] = await contest(all, { rounds: 2, warmup: true });
  expect(asked).toHaveLength(3);
  expect(a?.figures["steps/s"]).toMatchObject({ median: 2.5, min: 2, max: 3, count: 2, samples: [2, 3] });
});

test("ratios are taken round by round, of the figures that both have", async () => {
  const of = (name: string, samples: Record<string, number>[]) => ({
    name,
    sample: async () => samples.shift() ?? {},
  });
  const [engine] = await contest(
    [
      of("engine", [
        { "steps/s": 10, "cpu load µs": 3 },
        { "steps/s": 40, "cpu load µs": 3 },
      ]),
      of("ceiling", [{ "steps/s": 20 }, { "steps/s": 80 }]),
    ],
    { rounds: 2, warmup: false },
  );
  expect(engine?.ratios).toEqual({ ceiling: { "steps/s": { median: 0.5, min: 0.5, max: 0.5, count: 2 } } });
});
