import { bool, defineControl, int, z } from "../../actors/sdk.ts";

export default defineControl({
  type: "control_while",
  kind: "while",
  title: "While",
  category: "control",
  description: "Runs its body while the condition holds; it is evaluated before each iteration.",
  inputs: { condition: bool() },
  outputs: { iteration: int() },
  config: z.object({ max_iterations: z.number().int().min(1).default(1000) }),
  exec: { outputs: ["body", "completed"] },
});
