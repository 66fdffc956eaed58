import { defineNode, int, list } from "../../actors/sdk.ts";

export default defineNode({
  type: "data_list_length",
  title: "Length of list",
  category: "data",
  description: "How many items the list has.",
  pure: true,
  inputs: { list: list() },
  outputs: { length: int() },
  run: ({ inputs }) => ({ length: inputs.list.length }),
});
