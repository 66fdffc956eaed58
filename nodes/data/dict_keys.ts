import { defineNode, dict, list, str } from "../../actors/sdk.ts";

export default defineNode({
  type: "data_dict_keys",
  title: "Keys of dict",
  category: "data",
  description: "The keys, in the order of the dict.",
  pure: true,
  inputs: { dict: dict() },
  outputs: { keys: list(str()) },
  run: ({ inputs }) => ({ keys: Object.keys(inputs.dict) }),
});
