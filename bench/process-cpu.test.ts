import { expect, test } from "vitest";
import { cpuPerStep, cpuSeconds, residentBytes, ticksIn } from "./process-cpu.ts";

test("the ticks of a process are found whatever its name holds", () => {
  const stat = "42 (a) R 7 (b) S 1 42 42 0 -1 4194304 100 200 0 0 31 11 5 5 20 0 9 0 100 1000 10 0";
  expect(ticksIn(stat)).toBe(42);
});

test("microseconds of each process for each step", () => {
  const before = { nats: 1, actor: 0.5 };
  const after = { nats: 1.5, actor: 0.6 };
  const perStep = cpuPerStep(before, after, 10_000);
  expect(perStep.nats).toBeCloseTo(50);
  expect(perStep.actor).toBeCloseTo(10);
});

test("a process that does not exist has no figures", () => {
  expect(cpuSeconds(2 ** 30)).toBeNaN();
  expect(residentBytes(2 ** 30)).toBeNaN();
});

test("work shows in the processor time of the process that does it, where the system tells", () => {
  const before = cpuSeconds(process.pid);
  const used = process.cpuUsage();
  let sum = 0;
  while (process.cpuUsage(used).user < 60_000) sum += Math.sqrt(sum + 1);
  const spent = cpuSeconds(process.pid) - before;
  if (process.platform === "linux") expect(spent).toBeGreaterThan(0.03);
  else expect(spent).toBeNaN();
  expect(sum).toBeGreaterThan(0);
});
