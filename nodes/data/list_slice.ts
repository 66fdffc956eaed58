import { defineNode, int, list } from "../../actors/sdk.ts";

export default defineNode({
  type: "data_list_slice",
  title: "Slice list",
  category: "data",
  description: "The items from start up to, but without, end; negative counts from the end.",
  pure: true,
  inputs: { list: list(), start: int().default(0), end: int().optional() },
  outputs: { list: list() },
  run: ({ inputs }) => ({ list: inputs.list.slice(inputs.start, inputs.end) }),
});
