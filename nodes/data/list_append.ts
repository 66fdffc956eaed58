import { any, defineNode, list } from "../../actors/sdk.ts";

export default defineNode({
  type: "data_list_append",
  title: "Append to list",
  category: "data",
  description: "A copy of the list with one more item at its end.",
  pure: true,
  inputs: { list: list(), item: any() },
  outputs: { list: list() },
  run: ({ inputs }) => ({ list: [...inputs.list, inputs.item] }),
});
