import { any, defineControl, duration, z } from "../../actors/sdk.ts";

export default defineControl({
  type: "control_wait_signal",
  kind: "wait_signal",
  title: "Wait for signal",
  category: "control",
  description: "Waits until the run gets the signal, or the timeout passes.",
  outputs: { payload: any() },
  config: z.object({
    signal: z.string().min(1),
    timeout: duration.optional().describe("Without it, it waits for ever."),
  }),
  exec: { outputs: ["finish", "timeout"] },
});
