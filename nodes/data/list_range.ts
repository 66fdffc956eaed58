import { defineNode, int, list, RayflowError } from "../../actors/sdk.ts";

/** More would not fit into a message anyway. */
const MAX_ITEMS = 1_000_000;

export default defineNode({
  type: "data_list_range",
  title: "Range",
  category: "data",
  description: "The whole numbers from start up to, but without, stop; a negative step counts down.",
  pure: true,
  inputs: { start: int().default(0), stop: int(), step: int().default(1) },
  outputs: { list: list(int()) },
  run({ inputs: { start, stop, step } }) {
    if (step === 0) throw new RayflowError("ValidationError", "a range's step must not be 0");
    const length = Math.max(0, Math.ceil((stop - start) / step));
    if (length > MAX_ITEMS) {
      const message = `a range of ${length} items; ${MAX_ITEMS} at most`;
      throw new RayflowError("LimitExceeded", message, { retryable: false });
    }
    return { list: Array.from({ length }, (_, at) => start + at * step) };
  },
});
