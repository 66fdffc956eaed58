import { defineControl, float } from "../../actors/sdk.ts";

export default defineControl({
  type: "control_sleep",
  kind: "sleep",
  title: "Sleep",
  category: "control",
  description: "Waits so many seconds; survives restarts and holds no process meanwhile.",
  inputs: { seconds: float() },
});
