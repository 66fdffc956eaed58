/** MAY_BE_SKIPPED: required inputs whose source does not run on every path on which the consumer does. */
import { Certainty } from "./certainty.ts";
import type { CheckContext } from "./check-context.ts";
import type { IndexedNode, Link } from "./flow-index.ts";
import { isBodyOutput } from "./loops.ts";

/** Pure nodes that are looked through in all. Past it, the rest of a huge flow goes without this warning. */
const EFFORT = 1_000_000;

export function checkSkips({ walk, cycles, starts, log }: CheckContext): void {
  if (cycles.length > 0 || starts.length !== 1) return;
  const certainty = new Certainty(walk);
  const warned = new Set<Link>();
  let effort = EFFORT;
  for (const consumer of walk.order) {
    // A RETURN leaves out what was skipped.
    if (consumer.kind === "return") continue;
    const seen = new Set([consumer]);
    const open = [consumer];
    for (let reader = open.pop(); reader !== undefined && effort-- > 0; reader = open.pop()) {
      for (const link of reader.dataIn) {
        if (link.source.pure) {
          if (!seen.has(link.source)) open.push(link.source);
          seen.add(link.source);
        } else if (!warned.has(link) && needs(reader, link) && mayBeSkipped(link, consumer, certainty)) {
          warned.add(link);
          log.warn("MAY_BE_SKIPPED", message(link, reader, consumer), {
            node_id: reader.id,
            edge_id: link.edge.id,
            path: `inputs.${link.edge.target_pin}`,
          });
        }
      }
    }
  }
}

function needs({ node, pins }: IndexedNode, { edge }: Link): boolean {
  const input = pins?.inputs.get(edge.target_pin);
  return input?.required === true && !("default" in input) && !Object.hasOwn(node.constants, edge.target_pin);
}

function mayBeSkipped({ edge, source }: Link, consumer: IndexedNode, certainty: Certainty): boolean {
  if (source.type === undefined || isBodyOutput(source.kind, edge.source_pin)) return false;
  return !certainty.hasValue(source, edge.source_pin, consumer);
}

function message({ edge, source }: Link, reader: IndexedNode, consumer: IndexedNode): string {
  const when = reader === consumer ? `"${consumer.id}"` : `"${consumer.id}", which reads "${reader.id}",`;
  return (
    `input "${edge.target_pin}" of node "${reader.id}" reads "${edge.source_pin}" of "${source.id}", which does not run ` +
    `on every path on which ${when} does: give the input a constant for those paths, or read it where it always runs`
  );
}
