import { defineControl } from "../../actors/sdk.ts";

export default defineControl({
  type: "control_sequence",
  kind: "sequence",
  title: "Sequence",
  category: "control",
  description: "then_0, then_1…: each waits for all that the one before set off.",
  exec: { outputs: { from: "edges", prefix: "then_" } },
});
