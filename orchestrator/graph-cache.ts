/** Graphs by flow: a thousand runs of one flow share one. */
import { createHash } from "node:crypto";
import type { Graph } from "../flow/index.ts";
import type { SubmittedMessage } from "../nats/index.ts";
import { graphOf } from "./run/fold.ts";

const MAX_GRAPHS = 500;

export class GraphCache {
  readonly #graphs = new Map<string, Graph>();

  /** @throws GraphBuildError */
  get(message: SubmittedMessage): Graph {
    const key = createHash("sha1")
      .update(JSON.stringify([message.flow, message.types]))
      .digest("base64");
    const known = this.#graphs.get(key);
    if (known) {
      // Moves to the end: the first one is always the one that was longest not used.
      this.#graphs.delete(key);
      this.#graphs.set(key, known);
      return known;
    }
    const graph = graphOf(message);
    this.#graphs.set(key, graph);
    const oldest = this.#graphs.keys().next();
    if (this.#graphs.size > MAX_GRAPHS && !oldest.done) this.#graphs.delete(oldest.value);
    return graph;
  }
}
