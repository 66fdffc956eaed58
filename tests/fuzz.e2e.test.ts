/** A small fuzz campaign against real processes; `npm run test:fuzz` throws as much as one likes. */
import { readFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { patches } from "./chaos/sabotage-patches.mjs";
import { campaign } from "./fuzz/campaign.ts";
import { sabotages } from "./fuzz/sabotage.ts";
import { root } from "./rayflow-process.ts";

test("2000 malformed flows, messages, requests and HTTP bodies stop nothing and leave nothing behind", async () => {
  const report = await campaign({ inputs: 2_000, seed: 20_261_121 });
  expect(report.findings).toEqual([]);
  expect(report.thrown).toBe(2_000);
  expect(report.goodRuns).toBe(8);
  expect(Object.keys(report.byEntry).length).toBeGreaterThan(30);
});

test.each(sabotages)("the negative control %s finds its places in the built files", (sabotage) => {
  const wanted = patches[sabotage] ?? [];
  const found = wanted.filter(({ file, from }) => readFileSync(path.join(root, "dist", file), "utf8").includes(from));
  expect(wanted.length).toBeGreaterThan(0);
  expect(found).toEqual(wanted);
});
