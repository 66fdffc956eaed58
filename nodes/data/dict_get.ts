import { any, defineNode, dict, RayflowError, str, z } from "../../actors/sdk.ts";
import { lookUp } from "../_look-up.ts";

export default defineNode({
  type: "data_dict_get",
  title: "Get from dict",
  category: "data",
  description: "The value at a key; the configured default when there is none, else fails with KeyNotFound.",
  pure: true,
  inputs: { dict: dict(), key: str() },
  outputs: { value: any() },
  config: z.object({
    default: z.unknown().optional().describe("Used when the key is missing; null is a default too."),
    path: z.boolean().default(false).describe("The key is a dotted path: user.tags.0"),
  }),
  run({ inputs, config }) {
    const found = lookUp(inputs.dict, config.path ? inputs.key.split(".") : [inputs.key]);
    if (found) return { value: found.value };
    if (config.default !== undefined) return { value: config.default };
    throw new RayflowError("KeyNotFound", `no key "${inputs.key}"`, { retryable: false });
  },
});
