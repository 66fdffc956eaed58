/**
 * Which loop's body each exec node lies in. A body is what is reachable from the loop's `body` pin without passing the
 * loop again (DESIGN §4); so a node lies where the edges into it come from, and a flow in which they come from two
 * different bodies is wrong, but for a RETURN.
 */
import type { ExecWalk } from "./exec-walk.ts";
import type { IndexedNode, Link } from "./flow-index.ts";
import { BODY_PIN, isLoopKind } from "./loops.ts";

/** A region: the loop whose body it is; "root"; or "unknown", where an error reported elsewhere leaves it open. */
export type RegionOf = IndexedNode | "root" | "unknown";

/** A node that is reached both from inside and from outside a body. */
export interface RegionConflict {
  readonly node: IndexedNode;
  readonly a: Link;
  readonly b: Link;
}

export class Regions {
  readonly conflicts: RegionConflict[] = [];
  readonly #of = new Map<IndexedNode, RegionOf[]>();
  readonly #walk: ExecWalk;
  /** When the walk of the tree of loops enters a loop and when it leaves it. */
  readonly #entered = new Map<IndexedNode, number>();
  readonly #left = new Map<IndexedNode, number>();

  /** `uncertain`: nodes into which an edge is broken, so that nobody knows where they belong. */
  constructor(walk: ExecWalk, uncertain: ReadonlySet<IndexedNode>) {
    this.#walk = walk;
    for (const node of walk.order) this.#of.set(node, this.#find(node, uncertain));
    this.#numberLoops();
  }

  /** The region a node lies in; of a RETURN in several, the first. "unknown" for a node that is not reached. */
  of(node: IndexedNode): RegionOf {
    return this.#of.get(node)?.[0] ?? "unknown";
  }

  /** All regions a node is activated in: more than one only for a RETURN. */
  all(node: IndexedNode): readonly RegionOf[] {
    return this.#of.get(node) ?? [];
  }

  /** The region that an exec edge resolves in. */
  ofEdge(link: Link): RegionOf {
    if (link.source.type === undefined) return "unknown";
    if (isLoopKind(link.source.kind) && link.edge.source_pin === BODY_PIN) return link.source;
    return this.of(link.source);
  }

  /** Whether `inner` is `outer` or lies somewhere in it. True when either is unknown. */
  encloses(outer: RegionOf, inner: RegionOf): boolean {
    if (outer === "root" || outer === "unknown" || inner === "unknown") return true;
    if (inner === "root") return false;
    const entered = this.#entered.get(inner) ?? 0;
    return entered >= (this.#entered.get(outer) ?? 0) && entered < (this.#left.get(outer) ?? 0);
  }

  #find(node: IndexedNode, uncertain: ReadonlySet<IndexedNode>): RegionOf[] {
    const inbound = node.execIn.filter((link) => this.#walk.reached.has(link.source) && !this.#walk.back.has(link));
    const [first, ...others] = inbound;
    if (first === undefined) return [uncertain.has(node) ? "unknown" : "root"];
    if (node.kind === "return") return [...new Set(inbound.map((link) => this.ofEdge(link)))];
    const region = this.ofEdge(first);
    const other = others.find((link) => this.ofEdge(link) !== region);
    if (other === undefined) return [region];
    if (region !== "unknown" && this.ofEdge(other) !== "unknown") this.conflicts.push({ node, a: first, b: other });
    return ["unknown"];
  }

  #numberLoops(): void {
    const children = new Map<RegionOf, IndexedNode[]>();
    for (const node of this.#walk.order) {
      if (!isLoopKind(node.kind)) continue;
      const parent = this.of(node);
      const siblings = children.get(parent);
      if (siblings) siblings.push(node);
      else children.set(parent, [node]);
    }
    let time = 0;
    const path = [...(children.get("root") ?? []), ...(children.get("unknown") ?? [])];
    while (path.length > 0) {
      const loop = path.pop();
      if (loop === undefined || this.#left.has(loop)) continue;
      if (this.#entered.has(loop)) {
        this.#left.set(loop, time);
        continue;
      }
      this.#entered.set(loop, time++);
      path.push(loop, ...(children.get(loop) ?? []));
    }
  }
}
