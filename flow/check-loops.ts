/** LOOP_BODY: what enters and leaves the bodies of loops, by exec edges and by data edges. */
import type { CheckContext } from "./check-context.ts";
import { visitSources } from "./data-sources.ts";
import type { IndexedNode, Link } from "./flow-index.ts";
import { isBodyOutput, isCollectInput, isLoopKind } from "./loops.ts";
import type { RegionOf } from "./regions.ts";

export function checkLoops(context: CheckContext): void {
  checkBorders(context);
  checkBreaks(context);
  const fed = fedByLoops(context);
  for (const node of context.walk.order) {
    for (const link of node.dataIn) checkValue(link, fed, context);
  }
}

function checkBorders({ regions, cyclic, log }: CheckContext): void {
  for (const { node, a, b } of regions.conflicts) {
    if (cyclic.has(node)) continue;
    const [inner, outer] = regions.encloses(regions.ofEdge(a), regions.ofEdge(b)) ? [b, a] : [a, b];
    log.error(
      "LOOP_BODY",
      `node "${node.id}" is reached from ${place(regions.ofEdge(inner))} (edge "${inner.edge.id}" from ` +
        `"${inner.source.id}") and from ${place(regions.ofEdge(outer))} (edge "${outer.edge.id}" from ` +
        `"${outer.source.id}"): nothing enters a loop's body from outside and only RETURN leaves it; delete one of the ` +
        'edges, and let the loop\'s "completed" lead to what comes after it',
      { node_id: node.id, edge_id: inner.edge.id },
    );
  }
}

function place(region: RegionOf): string {
  return typeof region === "object" ? `the body of loop "${region.id}"` : "outside of any loop";
}

function checkBreaks({ walk, regions, log }: CheckContext): void {
  for (const node of walk.order) {
    if ((node.kind !== "break" && node.kind !== "continue") || regions.of(node) !== "root") continue;
    log.error("LOOP_BODY", `node "${node.id}" (${node.node.type}) lies in no loop: move it into a loop's body`, {
      node_id: node.id,
    });
  }
}

/** The pure nodes that a value out of a loop or of its body may pass: the others need no look. */
function fedByLoops({ walk, regions }: CheckContext): Set<IndexedNode> {
  const fed = new Set<IndexedNode>();
  const open = walk.order.filter((node) => isLoopKind(node.kind) || regions.of(node) !== "root");
  for (let node = open.pop(); node !== undefined; node = open.pop()) {
    for (const { target } of node.dataOut) {
      if (!target.pure || fed.has(target)) continue;
      fed.add(target);
      open.push(target);
    }
  }
  return fed;
}

function checkValue(link: Link, fed: ReadonlySet<IndexedNode>, context: CheckContext): void {
  if (link.source.pure && !fed.has(link.source)) return;
  let problem: string | undefined;
  visitSources(link, fed, (source) => {
    problem ??= misread(source, link, context);
  });
  if (problem === undefined) return;
  context.reported.add(link);
  context.log.error("LOOP_BODY", problem, {
    node_id: link.target.id,
    edge_id: link.edge.id,
    path: `inputs.${link.edge.target_pin}`,
  });
}

/** What is wrong about the consumer of `link` reading what `source` brings out of an exec node. */
function misread(source: Link, link: Link, { regions, walk }: CheckContext): string | undefined {
  const producer = source.source;
  const consumer = link.target;
  if (!walk.reached.has(producer)) return undefined;
  const pin = source.edge.source_pin;
  const readers = readingRegions(link, regions.all(consumer));
  const reads = `node "${consumer.id}" reads "${pin}" of "${producer.id}"${source === link ? "" : ` through "${link.source.id}"`}`;
  const ofBody = isBodyOutput(producer.kind, pin);
  if (isLoopKind(producer.kind) && !ofBody && readers.every((reader) => isInside(reader, producer, regions))) {
    return `${reads} inside of the loop's body: it is there only when the loop has completed`;
  }
  const home: RegionOf = ofBody ? producer : regions.of(producer);
  if (consumer.kind === "return" || readers.some((reader) => regions.encloses(home, reader))) return undefined;
  if (ofBody) return `${reads} outside of the loop's body: it is there only during an iteration`;
  const loop = typeof home === "object" ? home.id : "";
  return (
    `${reads}, which lies in the body of loop "${loop}", from outside: a loop's values do not leave it; feed them ` +
    `into "collect" of "${loop}" and read its "results"`
  );
}

function readingRegions(link: Link, regions: readonly RegionOf[]): readonly RegionOf[] {
  return isCollectInput(link.target.kind, link.edge.target_pin) ? [link.target] : regions;
}

function isInside(region: RegionOf, loop: IndexedNode, regions: CheckContext["regions"]): boolean {
  return typeof region === "object" && regions.encloses(loop, region);
}
