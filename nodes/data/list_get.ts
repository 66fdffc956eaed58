import { any, defineNode, int, list, RayflowError } from "../../actors/sdk.ts";

export default defineNode({
  type: "data_list_get",
  title: "Get from list",
  category: "data",
  description: "The item at an index; negative counts from the end. Fails with IndexOutOfRange.",
  pure: true,
  inputs: { list: list(), index: int() },
  outputs: { item: any() },
  run({ inputs: { list: items, index } }) {
    const at = index < 0 ? items.length + index : index;
    if (at < 0 || at >= items.length) {
      const message = `index ${index} in a list of ${items.length}`;
      throw new RayflowError("IndexOutOfRange", message, { retryable: false });
    }
    return { item: items[at] };
  },
});
