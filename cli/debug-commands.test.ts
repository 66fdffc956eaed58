import { expect, test } from "vitest";
import { parseDebugCommand } from "./debug-commands.ts";

test.each([
  ["s", { type: "step" }],
  [" Step ", { type: "step" }],
  ["c", { type: "continue" }],
  ["b", { type: "break", nodes: [] }],
  ["b one, two", { type: "break", nodes: ["one", "two"] }],
  ["i", { type: "inputs", node: undefined }],
  ["i one", { type: "inputs", node: "one" }],
  ["v", { type: "variables" }],
  ["?", { type: "help" }],
  ["q", { type: "quit" }],
  ["s 3", { type: "unknown", text: "s 3" }],
  ["i one two", { type: "unknown", text: "i one two" }],
  ["constructor", { type: "unknown", text: "constructor" }],
])("%j is understood", (line, command) => {
  expect(parseDebugCommand(line)).toEqual(command);
});

test("an empty line repeats the last step or continue, and nothing else", () => {
  expect(parseDebugCommand("  ", "step")).toEqual({ type: "step" });
  expect(parseDebugCommand("", undefined)).toBeUndefined();
});
