import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { checkFlow } from "../../../flow/index.ts";
import { fixtureTypes, flowBuilder } from "../../../flow/testing.ts";
import { readFlow } from "../model/read-flow.ts";
import { useCatalog } from "../stores/catalog-store.ts";
import { replaceDocument } from "../stores/document-store.ts";
import { useProblems } from "../stores/problems-store.ts";
import { type Checker, startValidation } from "./live-validation.ts";
import type { ValidateRequest } from "./validate-worker.ts";

/** The engine's validator, which answers when it is told to. */
function slowChecker() {
  const asked: ValidateRequest[] = [];
  const checker: Checker = {
    postMessage: (request) => asked.push(request),
    onmessage: null,
    terminate: () => {},
  };
  const answer = () => {
    const request = asked.shift();
    if (request === undefined) throw new Error("nothing was asked");
    const { errors, warnings } = checkFlow(request.flow, fixtureTypes);
    checker.onmessage?.(new MessageEvent("message", { data: { version: request.version, errors, warnings } }));
  };
  return { checker, answer, asked: () => vi.waitFor(() => expect(asked).toHaveLength(1)) };
}

const valid = flowBuilder({ name: "checked" }).node("start", "start").node("ret", "return").chain("start", "ret");
const invalid = flowBuilder({ name: "checked" }).node("start", "start");

function draw(builder: typeof valid): void {
  const { document } = readFlow(builder.build());
  if (document === undefined) throw new Error("no flow");
  replaceDocument(document);
}

const state = () => {
  const { current, problems } = useProblems.getState();
  return { current, codes: problems.map(({ code }) => code) };
};

let stop = () => {};
beforeEach(() => useCatalog.setState({ types: fixtureTypes, status: "ready" }));
afterEach(() => stop());

test("an answer about the flow as it is counts as current", async () => {
  const { checker, answer, asked } = slowChecker();
  draw(invalid);
  stop = startValidation(checker);
  expect(state().current).toBe(false);
  await asked();
  answer();
  expect(state()).toEqual({ current: true, codes: ["NO_RETURN"] });
});

test("an answer about an older flow is shown, but not as current; the next one is", async () => {
  const { checker, answer, asked } = slowChecker();
  draw(invalid);
  stop = startValidation(checker);
  await asked();
  draw(valid);
  answer();
  expect(state()).toEqual({ current: false, codes: ["NO_RETURN"] });
  await asked();
  answer();
  expect(state()).toEqual({ current: true, codes: [] });
});

test("an answer from before the node types changed is not current", async () => {
  const { checker, answer, asked } = slowChecker();
  draw(valid);
  stop = startValidation(checker);
  await asked();
  useCatalog.setState({ types: new Map(fixtureTypes) });
  answer();
  expect(state().current).toBe(false);
  await asked();
  answer();
  expect(state().current).toBe(true);
});
