import { defineControl, dict, int, z } from "../../actors/sdk.ts";

export default defineControl({
  type: "control_subflow",
  kind: "subflow",
  title: "Subflow",
  category: "control",
  description: "Runs another flow with these inputs and waits for its result.",
  openInputs: true,
  outputs: { result: dict(), status_code: int() },
  config: z.object({
    flow: z
      .union([z.string().min(1), z.record(z.string(), z.unknown())])
      .describe("A deployed flow's name, name@version, or the flow itself."),
  }),
});
