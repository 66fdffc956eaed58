import { expect, it } from "vitest";
import { runFields } from "./log-fields.ts";

it("a line about a run names it, and its trace if there is one that can be read", () => {
  const trace = "0af7651916cd43dd8448eb211c80319c";
  expect(runFields("r1", `00-${trace}-b7ad6b7169203331-01`)).toEqual({ run_id: "r1", trace_id: trace });
  for (const none of [
    undefined,
    "",
    "nonsense",
    `ff-${trace}-b7ad6b7169203331-01`,
    `00-${"0".repeat(32)}-b7ad6b7169203331-01`,
  ]) {
    expect(runFields("r1", none)).toEqual({ run_id: "r1" });
  }
});
