/** A small fuzz campaign against real processes; `npm run test:fuzz` throws as much as one likes. */
import { expect, test } from "vitest";
import { campaign } from "./fuzz/campaign.ts";

test("2000 malformed flows, messages, requests and HTTP bodies stop nothing and leave nothing behind", async () => {
  const report = await campaign({ inputs: 2_000, seed: 20_261_121 });
  expect(report.findings).toEqual([]);
  expect(report.thrown).toBe(2_000);
  expect(report.goodRuns).toBe(8);
  expect(Object.keys(report.byEntry).length).toBeGreaterThan(30);
});
