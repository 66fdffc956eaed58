import { expect, test } from "vitest";
import { RefusalCounter } from "../nats/index.ts";
import { silentLogger } from "./logger.ts";
import { noticeRefusals } from "./refusal-notice.ts";

test("refusals are logged at once, then once a minute with how many there were", () => {
  const refusals = new RefusalCounter();
  const said: unknown[] = [];
  let now = 0;
  const logger = { ...silentLogger, warn: (fields: unknown) => void said.push(fields) };
  noticeRefusals(refusals, logger as typeof silentLogger, () => now);
  for (let n = 0; n < 1_000; n++) refusals.add("rayflow.result.a.0", "forged");
  expect(said).toEqual([{ subject: "rayflow.result.a.0", reason: "forged", refused: 1, in_all: 1 }]);
  now = 60_001;
  refusals.add("rayflow.result.b.0", "forged");
  expect(said[1]).toEqual({ subject: "rayflow.result.b.0", reason: "forged", refused: 1_000, in_all: 1_001 });
});
