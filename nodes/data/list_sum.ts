import { defineNode, float, list, RayflowError } from "../../actors/sdk.ts";

export default defineNode({
  type: "data_list_sum",
  title: "Sum of list",
  category: "data",
  description: "The sum of a list of numbers; 0 when it is empty.",
  pure: true,
  inputs: { list: list(float()) },
  outputs: { result: float() },
  run({ inputs }) {
    const result = inputs.list.reduce((sum, item) => sum + item, 0);
    if (!Number.isFinite(result))
      throw new RayflowError("NotFinite", "the sum is not a finite number", { retryable: false });
    return { result };
  },
});
