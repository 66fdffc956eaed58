import { defineControl } from "../../actors/sdk.ts";

export default defineControl({
  type: "control_continue",
  kind: "continue",
  title: "Continue",
  category: "control",
  description: "Ends this iteration of the innermost loop.",
  exec: { outputs: [], error: false },
});
