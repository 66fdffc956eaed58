/** Graphs by flow: a thousand runs of one flow share one, and the flow and types that it was made from. */
import { createHash } from "node:crypto";
import type { Graph } from "../flow/index.ts";
import type { SubmittedMessage } from "../nats/index.ts";
import { graphOf } from "./run/fold.ts";

const MAX_GRAPHS = 500;

/** What a run needs of its flow. */
export interface Blueprint {
  readonly graph: Graph;
  readonly flow: SubmittedMessage["flow"];
  readonly types: SubmittedMessage["types"];
}

export class GraphCache {
  readonly #blueprints = new Map<string, Blueprint>();

  /** Flows that came as the same object before: what is stored under a hash is read once. */
  readonly #ofFlow = new WeakMap<SubmittedMessage["flow"], Blueprint>();

  /** @throws GraphBuildError */
  get(wanted: Pick<SubmittedMessage, "flow" | "types">): Blueprint {
    const known = this.#ofFlow.get(wanted.flow);
    if (known) return known;
    const blueprint = this.#byContent(wanted);
    this.#ofFlow.set(wanted.flow, blueprint);
    return blueprint;
  }

  #byContent({ flow, types }: Pick<SubmittedMessage, "flow" | "types">): Blueprint {
    const key = createHash("sha1")
      .update(JSON.stringify([flow, types]))
      .digest("base64");
    const known = this.#blueprints.get(key);
    if (known) {
      // Moves to the end: the first one is always the one that was longest not used.
      this.#blueprints.delete(key);
      this.#blueprints.set(key, known);
      return known;
    }
    const blueprint = { graph: graphOf({ flow, types }), flow, types };
    this.#blueprints.set(key, blueprint);
    const oldest = this.#blueprints.keys().next();
    if (this.#blueprints.size > MAX_GRAPHS && !oldest.done) this.#blueprints.delete(oldest.value);
    return blueprint;
  }
}
