/** The short form; `npm run test:rolling -- --rounds 5 --cluster` is the long one, with the servers of a cluster too. */
import { expect, it } from "vitest";
import { rollEverything } from "./rolling/rolling-restart.ts";

it("a rolling restart of two replicas of every role under load loses nothing", async () => {
  const report = await rollEverything({ rounds: 1, shape: "single", perSecond: 8, maxInFlight: 25 });
  expect(report.findings).toEqual([]);
  expect(report.restarts).toBe(6);
  expect(report.exitCodes).toEqual([0, 0, 0, 0, 0, 0]);
  expect(report.submitted.http).toBeGreaterThan(10);
  expect(report.submitted.nats).toBeGreaterThan(10);
  // Told to stop, an actor ends what it has begun: nothing runs twice.
  expect(report.repeatedEffects).toBe(0);
});
