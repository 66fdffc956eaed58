/** Which node types a set of flows needs, through their subflows too. */
import { type Flow, type NodeType, type NodeTypes, normalizeFlow, usedTypes } from "../../flow/index.ts";

export interface NeededTypes {
  /** Sorted by name, each once. Those that the run machine does itself among them. */
  readonly types: readonly NodeType[];
  /** Subflows that nobody knows: what they need is not among the types. */
  readonly missing: readonly { readonly flow: string; readonly subflow: string }[];
  /** Types that a subflow names and that nobody declares. */
  readonly unknown: readonly string[];
}

/** `find` gives the JSON of a deployed flow by `name` or `name@version`. Flows that are given go before it, by name. */
export async function neededTypes(
  flows: readonly Flow[],
  types: NodeTypes,
  find: (reference: string) => Promise<unknown>,
): Promise<NeededTypes> {
  const given = new Map(flows.map((flow) => [flow.name, flow]));
  const found = new Map<string, NodeType>();
  const missing = new Map<string, { flow: string; subflow: string }>();
  const unknown = new Set<string>();
  const seen = new Set<string>();
  const waiting = [...flows];

  for (let flow = waiting.pop(); flow !== undefined; flow = waiting.pop()) {
    for (const type of usedTypes(flow, types)) found.set(type.type, type);
    for (const { type } of flow.nodes) if (!types.has(type)) unknown.add(type);
    for (const reference of subflowsOf(flow, types)) {
      if (typeof reference !== "string") {
        waiting.push(...read(reference));
        continue;
      }
      if (seen.has(reference)) continue;
      seen.add(reference);
      // A version that is asked for is not the one in the file, unless the registry does not know it either.
      const own = given.get(reference.replace(/@.*$/, ""));
      const [subflow] = reference.includes("@") || own === undefined ? read(await find(reference)) : [own];
      const chosen = subflow ?? own;
      if (chosen === undefined) missing.set(reference, { flow: flow.name, subflow: reference });
      else if (!flows.includes(chosen)) waiting.push(chosen);
    }
  }
  return {
    types: [...found.values()].sort((a, b) => (a.type < b.type ? -1 : 1)),
    missing: [...missing.values()].sort((a, b) => (a.subflow < b.subflow ? -1 : 1)),
    unknown: [...unknown].sort(),
  };
}

function subflowsOf(flow: Flow, types: NodeTypes): unknown[] {
  return flow.nodes
    .filter(({ type }) => types.get(type)?.kind === "subflow")
    .flatMap(({ config }) => (config.flow === undefined ? [] : [config.flow]));
}

function read(json: unknown): Flow[] {
  const { flow } = normalizeFlow(json);
  return flow === undefined ? [] : [flow];
}
