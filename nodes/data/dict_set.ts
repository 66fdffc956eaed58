import { any, defineNode, dict, str } from "../../actors/sdk.ts";

export default defineNode({
  type: "data_dict_set",
  title: "Set in dict",
  category: "data",
  description: "A copy of the dict with one key set.",
  pure: true,
  inputs: { dict: dict(), key: str(), value: any() },
  outputs: { dict: dict() },
  run: ({ inputs: { dict: old, key, value } }) => ({ dict: { ...old, [key]: value } }),
});
