import { any, bool, defineNode, list } from "../../actors/sdk.ts";
import { jsonEqual } from "../_json-equal.ts";

export default defineNode({
  type: "data_list_contains",
  title: "List contains",
  category: "data",
  description: "Whether an item of the list equals this one.",
  pure: true,
  inputs: { list: list(), item: any() },
  outputs: { result: bool() },
  run: ({ inputs }) => ({ result: inputs.list.some((one) => jsonEqual(one, inputs.item)) }),
});
