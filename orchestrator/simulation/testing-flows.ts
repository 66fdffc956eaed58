/** Flows for simulated runs: random ones, made once and used by many seeds. */
import { type Flow, type NodeTypes, usedTypes } from "../../flow/index.ts";
import { fixtureTypes, nodeTypeFixture } from "../../flow/testing.ts";
import type { SubmittedMessage } from "../../nats/index.ts";
import type { RunnableFlow } from "../flow-checks.ts";
import { seeded } from "../run/testing.ts";
import { randomFlow } from "../run/testing-random-flow.ts";

const more = [
  nodeTypeFixture("control_wait_signal", {
    kind: "wait_signal",
    outputs: { payload: "any" },
    exec: ["finish", "timeout"],
    config: { type: "object" },
  }),
  nodeTypeFixture("control_subflow", {
    kind: "subflow",
    openInputs: true,
    outputs: { result: "dict", status_code: "int" },
    config: { type: "object" },
  }),
];

export const simulatedTypes: NodeTypes = new Map([...fixtureTypes, ...more.map((type) => [type.type, type] as const)]);

/** How many different flows runs are submitted with; as many more are called as subflows. */
export const FLOWS = 500;
const CHILD_FLOWS = 100;
const childNames = Array.from({ length: CHILD_FLOWS }, (_, index) => `child${index}`);
const made = new Map<number, Pick<SubmittedMessage, "flow" | "types">>();

export function simulatedFlow(index: number): Pick<SubmittedMessage, "flow" | "types"> {
  const known = made.get(index);
  if (known) return known;
  const flow: Flow = randomFlow(seeded(index), {
    nodes: 2 + (index % 9),
    loopDepth: index % 3,
    faults: true,
    control: true,
    types: simulatedTypes,
    // What is called calls nothing more: runs must stay few.
    ...(index < FLOWS ? { subflows: childNames } : {}),
  });
  const kept = { flow, types: usedTypes(flow, simulatedTypes) };
  made.set(index, kept);
  return kept;
}

/** The flow behind one of the names that subflows call. */
export function runnableChild(name: string): RunnableFlow {
  const { flow } = simulatedFlow(FLOWS + Number(name.slice("child".length)));
  return { flow, types: usedTypes(flow, simulatedTypes), shared: false };
}
