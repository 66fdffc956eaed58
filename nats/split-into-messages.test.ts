import { expect, test } from "vitest";
import { splitIntoMessages } from "./split-into-messages.ts";

const split = (sizes: readonly number[], most = 10, maxBytes = 10) =>
  splitIntoMessages(sizes, { most, maxBytes, bytesOf: (size) => size });

test("messages hold as much as fits, in order", () => {
  expect(split([4, 6, 1, 9, 1])).toEqual([[4, 6], [1, 9], [1]]);
  expect(split([1, 1, 1, 1, 1], 2)).toEqual([[1, 1], [1, 1], [1]]);
  expect(split([])).toEqual([]);
});

test("what is too large for any message has one to itself", () => {
  expect(split([11, 1, 12, 13])).toEqual([[11], [1], [12], [13]]);
});
