/** The campaign in its short form; `npm run test:chaos -- --minutes 15` is the long one. */
import { readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { runCampaign } from "./chaos/campaign.ts";
import { tableOf } from "./chaos/report.ts";
import { sabotages } from "./chaos/sabotage.ts";
import { patches } from "./chaos/sabotage-patches.mjs";
import { root } from "./rayflow-process.ts";

describe("a campaign of kills", () => {
  it("loses nothing and applies nothing twice", async () => {
    const report = await runCampaign({
      seed: 7,
      durationMs: 12_000,
      orchestrators: 2,
      actors: 2,
      meanIntervalMs: 900,
      maxInFlight: 60,
      maxPerSecond: 20,
      // Runs that rest take longer than this test.
      shapes: { rest: 0, rest_signal: 0 },
      // A new queue: what a dead actor held is sent again at once, not after its AckWait.
      lastFault: "kill -9 nats-server",
      settleMs: 60_000,
    });
    expect(report.findings, tableOf(report)).toEqual([]);
    expect(report.passed, tableOf(report)).toBe(true);
    expect(report.kills).toBeGreaterThan(3);
    expect(report.runs).toBeGreaterThan(50);
  });
});

describe("each negative control", () => {
  it.each(sabotages)("%s finds its places in the built files", (sabotage) => {
    const found = (patches[sabotage] ?? []).map(({ file, from }) => {
      const built = readFileSync(path.join(root, "dist", file), "utf8");
      return { file, from, found: built.includes(from) };
    });
    expect(found.length).toBeGreaterThan(0);
    expect(found.filter((patch) => !patch.found)).toEqual([]);
  });
});
