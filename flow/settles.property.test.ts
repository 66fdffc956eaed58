/**
 * No valid flow hangs: a simulation of DESIGN §4 over the built graph, in which nothing does any work. It holds the
 * validator's idea of order (DATA_CYCLE, LOOP_BODY) against the rules themselves, rather than against itself.
 */
import fc from "fast-check";
import { expect, it } from "vitest";
import type { Flow } from "./flow.ts";
import type { Graph, GraphEdge, GraphNode } from "./graph.ts";
import { buildGraph } from "./graph-builder.ts";
import { fixtureTypes, flowBuilder } from "./testing.ts";
import { validateFlow } from "./validator.ts";

/** One activation of a region: the root, or an iteration. */
interface Instance {
  readonly region: string;
  readonly parent: Instance | undefined;
  readonly edges: Map<string, "taken" | "dead">;
  readonly settled: Set<string>;
  /** Pins of sequences that have not opened yet. */
  readonly waiting: { readonly node: GraphNode; readonly pin: string }[];
}

/** The nodes that never settle. `chooses` picks a branch's pin; undefined takes all of them. */
function stuck(graph: Graph, chooses: ((node: string) => boolean) | undefined): string[] {
  const instances: Instance[] = [];
  const open = (region: string, parent: Instance | undefined) => {
    const instance: Instance = { region, parent, edges: new Map(), settled: new Set(), waiting: [] };
    instances.push(instance);
    return instance;
  };
  const regionOf = (edge: GraphEdge) =>
    edge.sourcePin === "body" && graph.regions.has(edge.source)
      ? edge.source
      : graph.nodes.get(edge.source)?.regions[0];
  const take = (instance: Instance, node: GraphNode, pin: string, state: "taken" | "dead") => {
    for (const edge of node.execOut.get(pin) ?? []) instance.edges.set(edge.id, state);
  };
  const nodesOf = (instance: Instance) => graph.regions.get(instance.region)?.nodes ?? [];
  const children = new Map<Instance, Map<string, Instance>>();

  const step = (instance: Instance, node: GraphNode): boolean => {
    const inbound = node.execIn
      .filter((edge) => regionOf(edge) === instance.region)
      .map((edge) => instance.edges.get(edge.id));
    if (inbound.includes(undefined)) return false;
    const settle = (state: (pin: string) => "taken" | "dead") => {
      for (const pin of node.execOut.keys()) if (pin !== "body") take(instance, node, pin, state(pin));
      instance.settled.add(node.id);
      return true;
    };
    if (inbound.length > 0 && !inbound.includes("taken")) return settle(() => "dead");
    for (const source of node.dataSources) {
      const home = graph.nodes.get(source)?.regions[0];
      let scope: Instance | undefined = instance;
      while (scope !== undefined && scope.region !== home) scope = scope.parent;
      if (scope !== undefined && !scope.settled.has(source)) return false;
    }
    if (graph.regions.has(node.id)) {
      const iterations = children.get(instance) ?? new Map<string, Instance>();
      children.set(instance, iterations);
      const iteration = iterations.get(node.id);
      if (iteration === undefined) {
        const started = open(node.id, instance);
        iterations.set(node.id, started);
        take(started, node, "body", "taken");
        return true;
      }
      if (nodesOf(iteration).some((id) => !iteration.settled.has(id))) return false;
      return settle((pin) => (pin === "error" ? "dead" : "taken"));
    }
    if (node.kind === "sequence") {
      // The node itself has settled at once; its pins open when their gates have.
      instance.settled.add(node.id);
      instance.waiting.push(...[...node.execOut.keys()].map((pin) => ({ node, pin })));
      return true;
    }
    return settle((pin) => {
      if (pin === "error") return "dead";
      return pin === "finish" || chooses === undefined || chooses(node.id) === (pin === "true") ? "taken" : "dead";
    });
  };

  open("", undefined);
  for (let moved = true; moved; ) {
    moved = false;
    for (const instance of instances) {
      for (const { node, pin } of instance.waiting.splice(0)) {
        const gate = graph.sequenceGates.get(node.id)?.get(pin) ?? [];
        if (gate.every((id) => instance.settled.has(id))) {
          take(instance, node, pin, pin === "error" ? "dead" : "taken");
          moved = true;
        } else {
          instance.waiting.push({ node, pin });
        }
      }
      for (const id of nodesOf(instance)) {
        const node = graph.nodes.get(id);
        if (node !== undefined && !instance.settled.has(id) && step(instance, node)) moved = true;
      }
    }
  }
  return instances.flatMap((instance) => nodesOf(instance).filter((id) => !instance.settled.has(id)));
}

const TYPES = {
  step: { type: "base_debug", pins: ["finish", "finish", "error"], outputs: ["value"], inputs: ["value"] },
  branch: { type: "logic_branch", pins: ["true", "false"], outputs: [], inputs: [] },
  repeat: { type: "control_repeat", pins: ["body", "completed"], outputs: ["index", "results"], inputs: ["collect"] },
  sequence: { type: "control_sequence", pins: ["then_0", "then_1", "then_2"], outputs: [], inputs: [] },
  pure: { type: "base_pure", pins: [], outputs: ["value"], inputs: ["value"] },
} as const;
const debug = fixtureTypes.get("base_debug");
if (debug === undefined) throw new Error("the fixtures lack base_debug");
const types = new Map([...fixtureTypes, ["base_pure", { ...debug, type: "base_pure", pure: true }] as const]);

/** Each node hangs on one or two earlier ones; data runs anywhere. Many of these flows are valid, many nearly so. */
const someFlow: fc.Arbitrary<Flow> = fc
  .array(
    fc.record({
      type: fc.constantFrom(...(["step", "step", "step", "branch", "repeat", "sequence", "pure"] as const)),
      from: fc.array(fc.tuple(fc.nat(), fc.nat()), { minLength: 1, maxLength: 2 }),
      reads: fc.option(fc.tuple(fc.nat(), fc.nat()), { freq: 2 }),
    }),
    { minLength: 3, maxLength: 12 },
  )
  .map((plan) => {
    const flow = flowBuilder().node("start", "start").node("ret", "return");
    const exec: { id: string; pins: readonly string[] }[] = [{ id: "start", pins: ["finish"] }];
    for (const [i, { type, from }] of plan.entries()) {
      const id = `${type}${i}`;
      flow.node(id, TYPES[type].type, {
        constants: { branch: { condition: true }, repeat: { times: 1 } }[type as string] ?? {},
      });
      if (type === "pure") continue;
      for (const [node, pin] of from) {
        // Mostly the nodes just before, so that chains and bodies come about.
        const source = exec[Math.max(0, exec.length - 1 - (node % 3))];
        if (source) flow.exec(`${source.id}.${source.pins[pin % source.pins.length]}`, id);
      }
      exec.push({ id, pins: TYPES[type].pins });
    }
    for (const [i, { type, reads }] of plan.entries()) {
      if (reads === null) continue;
      const source = reads[0] % plan.length;
      const sourceType = plan[source]?.type ?? "step";
      const output = TYPES[sourceType].outputs[reads[1] % 2] ?? TYPES[sourceType].outputs[0];
      const input = TYPES[type].inputs[0];
      if (output && input) flow.data(`${sourceType}${source}.${output}`, `${type}${i}.${input}`);
    }
    return flow.exec("start", "ret").build();
  });

it("every activation of a valid flow settles, whichever way its branches go", () => {
  let valid = 0;
  fc.assert(
    fc.property(someFlow, fc.array(fc.boolean(), { minLength: 12, maxLength: 12 }), (flow, choices) => {
      if (!validateFlow(flow, types).valid) return;
      valid++;
      const graph = buildGraph(flow, types);
      expect(stuck(graph, (id) => choices[Number(/\d+$/.exec(id)?.[0] ?? 0)] ?? true)).toEqual([]);
    }),
    { numRuns: 1500 },
  );
  expect(valid).toBeGreaterThan(100);
});
