import { bool, defineNode, dict, str } from "../../actors/sdk.ts";

export default defineNode({
  type: "data_dict_has",
  title: "Dict has key",
  category: "data",
  description: "Whether the dict has this key.",
  pure: true,
  inputs: { dict: dict(), key: str() },
  outputs: { result: bool() },
  run: ({ inputs }) => ({ result: Object.hasOwn(inputs.dict, inputs.key) }),
});
