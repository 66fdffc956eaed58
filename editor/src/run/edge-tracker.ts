/**
 * Says which edges of a run are taken or dead, scope by scope: exec edges as the engine resolved them, data edges taken
 * when a value came over them.
 */
import type { GraphEdge, GraphNode } from "../../../flow/index.ts";
import type { Activation, Run, Scope } from "../../../orchestrator/run/index.ts";
import { type ActivationFrame, activationKey, type Change, iterationOf, parentScope } from "./frame.ts";

const LOOPS: ReadonlySet<string> = new Set(["for_each", "while", "repeat"]);

type EdgeChange = Extract<Change, { kind: "edge" }>;

export class EdgeTracker {
  readonly #run: Run;
  readonly #frameOf: (key: string) => ActivationFrame | undefined;
  readonly #resolved = new Set<string>();
  /** Pins of control_sequence nodes that wait for what comes before. */
  #gates: { readonly scope: Scope; readonly gate: string; readonly edges: readonly GraphEdge[] }[] = [];
  #changes: EdgeChange[] = [];

  constructor(run: Run, frameOf: (key: string) => ActivationFrame | undefined) {
    this.#run = run;
    this.#frameOf = frameOf;
  }

  /** What resolved since it was last asked. */
  take(): EdgeChange[] {
    const changes = this.#changes;
    this.#changes = [];
    return changes;
  }

  /** Resolves the exec edges that leave a node which settled. Gives the nodes they lead to. */
  settled(
    id: string,
    scope: string,
    state: "completed" | "failed" | "skipped" | "cancelled",
    activation: Activation | undefined,
  ): string[] {
    const node = this.#run.details.graph.nodes.get(id);
    if (!node || state === "cancelled") return [];
    if (state === "completed" && node.kind === "sequence") return this.#openSequence(node, scope);
    const pins = activation?.pins ?? likelyPins(node, state);
    // It failed and nothing took that up: the run, or the iteration, ends with it.
    if (state === "failed" && !pins.includes("error")) return [];
    const targets: string[] = [];
    for (const [pin, edges] of node.execOut) {
      const isBody = pin === "body" && LOOPS.has(node.kind);
      if (isBody && state === "completed" && (activation?.loop?.next ?? 1) > 0) continue;
      for (const edge of edges) {
        this.#resolve(edge.id, scope, state !== "skipped" && pins.includes(pin));
        if (!isBody) targets.push(edge.target);
      }
    }
    return targets;
  }

  /** An iteration of a loop began. Gives the nodes that its body begins with. */
  opened(loop: string, scope: string): string[] {
    const edges = this.#run.details.graph.nodes.get(loop)?.execOut.get("body") ?? [];
    for (const edge of edges) this.#resolve(edge.id, scope, true);
    return edges.map(({ target }) => target);
  }

  /** Pins of sequences that have opened since. */
  *openGates(): Generator<{ readonly scope: string; readonly edge: GraphEdge }> {
    if (this.#gates.length === 0) return;
    const waiting = this.#gates;
    this.#gates = [];
    for (const held of waiting) {
      if ((held.scope.gates.get(held.gate) ?? 0) > 0) {
        if (!held.scope.closing) this.#gates.push(held);
        continue;
      }
      for (const edge of held.edges) {
        this.#resolve(edge.id, held.scope.path, true);
        yield { scope: held.scope.path, edge };
      }
    }
  }

  /** A node got its inputs: the data edges that brought one are taken. `round`: of the while loop that it is pulled for. */
  fed(
    id: string,
    scope: string,
    consumer: string | undefined,
    round: string,
    inputs: Readonly<Record<string, unknown>>,
  ): void {
    const node = this.#run.details.graph.nodes.get(id);
    for (const { pin, source } of node?.inputs ?? []) {
      if (!source || !Object.hasOwn(inputs, pin)) continue;
      if (this.#gave(source, scope, `>${consumer ?? id}${round}`)) this.#resolve(source.id, scope, true);
    }
  }

  /** A node of a loop's body gave its outputs: what goes into the loop's `collect` is taken. */
  gave(id: string, scope: string, outputs: Readonly<Record<string, unknown>>): void {
    const loop = iterationOf(scope)?.loop;
    const inputs = loop === undefined ? [] : (this.#run.details.graph.nodes.get(loop)?.inputs ?? []);
    for (const { pin, source } of inputs) {
      if (pin !== "collect" || source?.source !== id || outputs[source.sourcePin] === undefined) continue;
      this.#resolve(source.id, scope, true);
    }
  }

  /** Whether the value came from there, not from a default. */
  #gave({ source, sourcePin }: GraphEdge, from: string, pullSuffix: string): boolean {
    if (this.#run.details.graph.nodes.get(source)?.pure) {
      const pulled = this.#frameOf(activationKey(source, from) + pullSuffix);
      return pulled?.outputs?.[sourcePin] !== undefined;
    }
    for (let scope: string | undefined = from; scope !== undefined; scope = parentScope(scope)) {
      if (iterationOf(scope)?.loop === source) return true;
      const found = this.#frameOf(activationKey(source, scope));
      if (found) return found.outputs?.[sourcePin] !== undefined;
    }
    return false;
  }

  #openSequence(node: GraphNode, path: string): string[] {
    const scope = this.#run.details.scopes.get(path);
    const targets: string[] = [];
    for (const [pin, edges] of node.execOut) {
      const gate = `${node.id}.${pin}`;
      if (scope && (scope.gates.get(gate) ?? 0) > 0) {
        this.#gates.push({ scope, gate, edges });
        continue;
      }
      for (const edge of edges) {
        this.#resolve(edge.id, path, pin !== "error");
        targets.push(edge.target);
      }
    }
    return targets;
  }

  #resolve(edge: string, scope: string, taken: boolean): void {
    const key = `${edge}@${scope}`;
    if (this.#resolved.has(key)) return;
    this.#resolved.add(key);
    this.#changes.push({ kind: "edge", edge, scope, state: taken ? "taken" : "dead" });
  }
}

/** The exec outputs of what began and settled within one entry in a scope that is gone: its usual way out. */
function likelyPins(node: GraphNode, state: "completed" | "failed" | "skipped"): readonly string[] {
  if (state === "failed") return node.execOut.get("error")?.length ? ["error"] : [];
  return ["finish", "completed"].filter((pin) => node.execOut.has(pin)).slice(0, 1);
}
