import { defineNode, RayflowError, str, z } from "../../actors/sdk.ts";

export default defineNode({
  type: "control_fail",
  title: "Fail",
  category: "control",
  description: "Fails with this message and code: for guards, tests and incidents.",
  inputs: {
    message: str(),
    code: str()
      .regex(/^[A-Za-z][A-Za-z0-9_]{0,63}$/, "expected letters, digits and _")
      .default("Failed"),
  },
  config: z.object({
    retryable: z.boolean().default(true).describe("Whether a retry policy tries it again."),
  }),
  run({ inputs, config }): undefined {
    throw new RayflowError(inputs.code, inputs.message, { retryable: config.retryable });
  },
});
