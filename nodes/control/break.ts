import { defineControl } from "../../actors/sdk.ts";

export default defineControl({
  type: "control_break",
  kind: "break",
  title: "Break",
  category: "control",
  description: "Ends the innermost loop.",
  exec: { outputs: [], error: false },
});
