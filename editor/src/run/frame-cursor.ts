/**
 * A place in a run's history: what every node and edge looked like after one frame. Moving it costs what changed in
 * between, forwards and backwards alike.
 *
 * C1. A node's frame is the same object as long as nothing of that node has changed.
 * C2. What a cursor shows at a frame does not depend on the way it came there.
 */
import type { ActivationFrame, Change, EdgeFrame, EdgeState, Frame, HeldFrame, NodeFrame, NodeState } from "./frame.ts";

/** First in the list is what wants attention most. */
const BY_ATTENTION: readonly NodeState[] = [
  "held",
  "running",
  "waiting",
  "ready",
  "failed",
  "completed",
  "cancelled",
  "skipped",
  "pending",
];
const NO_HELD: readonly HeldFrame[] = [];

interface NodeRecord {
  /** In the order in which they began. */
  readonly keys: string[];
  readonly byKey: Map<string, ActivationFrame>;
  readonly counts: Map<NodeState, number>;
  attempts: number;
  /** Whole numbers, so that going forth and back gives the same sum. */
  workedNs: number;
  shown: NodeFrame | undefined;
}

interface EdgeRecord {
  readonly byScope: Map<string, "taken" | "dead">;
  taken: number;
  shown: EdgeFrame | undefined;
}

export class FrameCursor {
  readonly #frames: readonly Frame[];
  readonly #nodes = new Map<string, NodeRecord>();
  readonly #edges = new Map<string, EdgeRecord>();
  #index = -1;

  constructor(frames: readonly Frame[]) {
    this.#frames = frames;
  }

  /** Of the frame it stands at; -1 before the first. */
  get index(): number {
    return this.#index;
  }

  get frame(): Frame | undefined {
    return this.#frames[this.#index];
  }

  get held(): readonly HeldFrame[] {
    return this.frame?.held ?? NO_HELD;
  }

  /** Moves to a frame, or as near to it as there are frames. Says which nodes and edges look different now. */
  seek(index: number): { readonly nodes: ReadonlySet<string>; readonly edges: ReadonlySet<string> } {
    const to = Math.max(-1, Math.min(Math.trunc(index), this.#frames.length - 1));
    const nodes = new Set<string>();
    const edges = new Set<string>();
    const note = (change: Change): void => {
      if (change.kind === "edge") edges.add(change.edge);
      else nodes.add(change.after.node);
    };
    for (; this.#index < to; this.#index++) {
      for (const change of this.#frames[this.#index + 1]?.changes ?? []) {
        this.#forth(change);
        note(change);
      }
    }
    for (; this.#index > to; this.#index--) {
      for (const change of (this.#frames[this.#index]?.changes ?? []).toReversed()) {
        this.#back(change);
        note(change);
      }
    }
    return { nodes, edges };
  }

  /** A node over all its scopes; undefined: nothing has reached it. */
  node(id: string): NodeFrame | undefined {
    const record = this.#nodes.get(id);
    if (!record) return undefined;
    record.shown ??= nodeFrame(id, record);
    return record.shown;
  }

  /** Nodes that something has reached. */
  nodeIds(): IterableIterator<string> {
    return this.#nodes.keys();
  }

  /** All activations of a node, in the order in which they began. */
  activations(id: string): ActivationFrame[] {
    const record = this.#nodes.get(id);
    return record?.keys.flatMap((key) => record.byKey.get(key) ?? []) ?? [];
  }

  activation(id: string, key: string): ActivationFrame | undefined {
    return this.#nodes.get(id)?.byKey.get(key);
  }

  /** An edge over all scopes; undefined: it is open in all of them. */
  edge(id: string): EdgeFrame | undefined {
    const record = this.#edges.get(id);
    if (!record) return undefined;
    const { size } = record.byScope;
    const state: EdgeState = record.taken > 0 ? "taken" : "dead";
    record.shown ??= { edge: id, state, taken: record.taken, dead: size - record.taken };
    return record.shown;
  }

  edgeIn(id: string, scope: string): EdgeState {
    return this.#edges.get(id)?.byScope.get(scope) ?? "open";
  }

  #forth(change: Change): void {
    if (change.kind === "edge") {
      const record = this.#edges.get(change.edge) ?? { byScope: new Map(), taken: 0, shown: undefined };
      this.#edges.set(change.edge, record);
      record.byScope.set(change.scope, change.state);
      if (change.state === "taken") record.taken++;
      record.shown = undefined;
      return;
    }
    const { before, after } = change;
    const record = this.#nodes.get(after.node) ?? emptyNode();
    this.#nodes.set(after.node, record);
    if (!before) record.keys.push(after.key);
    record.byKey.set(after.key, after);
    count(record, before, -1);
    count(record, after, 1);
  }

  #back(change: Change): void {
    if (change.kind === "edge") {
      const record = this.#edges.get(change.edge);
      if (!record) return;
      record.byScope.delete(change.scope);
      if (change.state === "taken") record.taken--;
      record.shown = undefined;
      if (record.byScope.size === 0) this.#edges.delete(change.edge);
      return;
    }
    const { before, after } = change;
    const record = this.#nodes.get(after.node);
    if (!record) return;
    if (before) record.byKey.set(before.key, before);
    else {
      // What began last is taken back first.
      record.keys.pop();
      record.byKey.delete(after.key);
    }
    count(record, after, -1);
    count(record, before, 1);
    if (record.keys.length === 0) this.#nodes.delete(after.node);
  }
}

function emptyNode(): NodeRecord {
  return { keys: [], byKey: new Map(), counts: new Map(), attempts: 0, workedNs: 0, shown: undefined };
}

function count(record: NodeRecord, frame: ActivationFrame | undefined, by: 1 | -1): void {
  record.shown = undefined;
  if (!frame) return;
  record.counts.set(frame.state, (record.counts.get(frame.state) ?? 0) + by);
  record.attempts += by * frame.attempts.length;
  record.workedNs += by * Math.round((frame.workedMs ?? 0) * 1e6);
}

function nodeFrame(node: string, record: NodeRecord): NodeFrame {
  const counts: Partial<Record<NodeState, number>> = {};
  for (const state of BY_ATTENTION) {
    const times = record.counts.get(state) ?? 0;
    if (times > 0) counts[state] = times;
  }
  return {
    node,
    state: BY_ATTENTION.find((state) => counts[state] !== undefined) ?? "pending",
    counts,
    latest: record.byKey.get(record.keys.at(-1) ?? "") as ActivationFrame,
    activations: record.keys.length,
    attempts: record.attempts,
    seconds: record.workedNs / 1e9,
  };
}
