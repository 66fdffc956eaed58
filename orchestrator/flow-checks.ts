/**
 * Checks flows as they are submitted: against the node types as they are now. What was checked is remembered until the
 * types change, so that a flow that runs a thousand times is checked once.
 */
import { createHash } from "node:crypto";
import {
  checkFlow,
  type Flow,
  type Limits,
  limitError,
  limitsOf,
  type NodeType,
  type NodeTypes,
  usedTypes,
} from "../flow/index.ts";
import { type FlowRegistry, type FlowVersion, runVersion } from "../store/index.ts";
import { type Refusal, refusal } from "./refusal.ts";

export interface FlowChecksOptions {
  readonly types: () => NodeTypes;
  /** Another number whenever `types` may have changed. */
  readonly typesRevision: () => number;
  readonly registry: Pick<FlowRegistry, "find" | "notFound">;
  /** How large a flow may be. Default: the defaults. */
  readonly limits?: Pick<Limits, "flow_nodes" | "flow_edges" | "flow_chars">;
}

/** A flow that may run, with the node types it uses. */
export interface RunnableFlow {
  readonly flow: Flow;
  readonly types: NodeType[];
  /** Whether other runs have it too, or will. */
  readonly shared: boolean;
}

const MAX_REMEMBERED = 256;
/** Larger flows are checked each time: remembering many of them takes too much memory. */
const MAX_REMEMBERED_CHARS = 256 * 1024;

export class FlowChecks {
  readonly #options: FlowChecksOptions;
  readonly #remembered = new Map<string, { revision: number; checked: RunnableFlow | Refusal }>();

  readonly #limits: NonNullable<FlowChecksOptions["limits"]>;

  constructor(options: FlowChecksOptions) {
    this.#options = options;
    this.#limits = options.limits ?? limitsOf();
  }

  /** A flow that came with its submission. */
  checkInline(json: unknown): RunnableFlow | Refusal {
    const text = JSON.stringify(json);
    const { flow_chars } = this.#limits;
    if (text.length > flow_chars) return { error: limitError("flow_chars", flow_chars, "the flow was refused") };
    if (text.length > MAX_REMEMBERED_CHARS) return this.#check(json);
    const key = createHash("sha256").update(text).digest("base64url");
    return this.#remember(key, () => this.#check(json));
  }

  /** What a subflow names (a deployed flow) or holds (a flow). */
  check(wanted: unknown): Promise<RunnableFlow | Refusal> {
    return typeof wanted === "string" ? this.checkDeployed(wanted) : Promise.resolve(this.checkInline(wanted));
  }

  /** A deployed flow by `name` or `name@version`. */
  async checkDeployed(ref: string): Promise<RunnableFlow | Refusal> {
    const found = await this.#options.registry.find(ref);
    if (found === undefined) return { error: (await this.#options.registry.notFound(ref)).toInfo() };
    return this.#remember(`${found.name}@${found.version}`, () => shared(this.#check(pinned(found))));
  }

  #check(json: unknown): RunnableFlow | Refusal {
    const types = this.#options.types();
    const { flow, valid, errors, warnings } = checkFlow(json, types);
    const { flow_nodes, flow_edges } = this.#limits;
    if (flow && flow.nodes.length > flow_nodes)
      return { error: limitError("flow_nodes", flow_nodes, "the flow was refused") };
    if (flow && flow.edges.length > flow_edges)
      return { error: limitError("flow_edges", flow_edges, "the flow was refused") };
    if (flow && valid) return { flow, types: usedTypes(flow, types), shared: false };
    const count = `${errors.length} error${errors.length === 1 ? "" : "s"}`;
    return { ...refusal("InvalidFlow", `the flow has ${count}: ${errors[0]?.message ?? ""}`), errors, warnings };
  }

  #remember(key: string, check: () => RunnableFlow | Refusal): RunnableFlow | Refusal {
    const revision = this.#options.typesRevision();
    const known = this.#remembered.get(key);
    // What comes a second time may come a thousand times.
    const checked = known?.revision === revision ? shared(known.checked) : check();
    // Put back last: the first is the one that was not wanted for the longest time.
    this.#remembered.delete(key);
    this.#remembered.set(key, { revision, checked });
    if (this.#remembered.size > MAX_REMEMBERED) this.#remembered.delete(this.#remembered.keys().next().value ?? "");
    return checked;
  }
}

function shared(checked: RunnableFlow | Refusal): RunnableFlow | Refusal {
  return "error" in checked || checked.shared ? checked : { ...checked, shared: true };
}

function pinned(found: FlowVersion): Flow {
  return { ...found.flow, version: runVersion(found) };
}
