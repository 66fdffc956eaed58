/** Which wires may be drawn, by the engine's own rules, and the reason why another may not. */
import { fits, formatPinType, type NodeTypes, normalizeFlow, type PinType, validateFlow } from "../../../flow/index.ts";
import { connect, isSameWire, reconnect, type Wire } from "./edit-edges.ts";
import type { FlowDocument } from "./flow-document.ts";
import type { Side } from "./handle-ids.ts";
import type { NodeView, PinView } from "./node-view.ts";
import { writeFlow } from "./write-flow.ts";

export type Verdict = { readonly allowed: true } | { readonly allowed: false; readonly reason: string };

const YES: Verdict = { allowed: true };
const no = (reason: string): Verdict => ({ allowed: false, reason });

export interface PinAt {
  readonly node: string;
  readonly handle: string;
  readonly side: Side;
}

export function findPin(views: ReadonlyMap<string, NodeView>, { node, handle, side }: PinAt): PinView | undefined {
  const view = views.get(node);
  if (view === undefined) return undefined;
  return [...view.left, ...view.right, ...view.failure].find((pin) => pin.side === side && pin.handle === handle);
}

/** Whether the pins' kinds and types fit; knows nothing of the rest of the flow. */
export function checkPins(source: PinView, target: PinView): Verdict {
  if (source.kind !== target.kind) {
    return no(
      source.kind === "exec"
        ? `"${target.name}" takes data: an exec wire ends on a white triangle`
        : "A white triangle takes exec wires: a data wire ends on a circle",
    );
  }
  if (source.special === "new" && target.special === "new") return no("Name one of the two pins first");
  if (source.special === "unknown") return no(`There is no output "${source.name}" here`);
  if (target.special === "unknown") return no(`There is no input "${target.name}" here`);
  if (source.kind === "exec" || source.type === undefined || target.type === undefined) return YES;
  if (fits(source.type, target.type)) return YES;
  const hint = converterHint(source.type, target.type);
  return no(
    `"${source.name}" is ${formatPinType(source.type)}, "${target.name}" takes ${formatPinType(target.type)}${hint}`,
  );
}

const CONVERTERS: Readonly<Record<string, string>> = {
  int: "To int",
  float: "To float",
  str: "To str",
  bool: "To bool",
};

function converterHint(source: PinType, target: PinType): string {
  const converter = CONVERTERS[target.type];
  if (source.type === "float" && target.type === "int") return ": put Round, Floor or To int in between";
  return converter === undefined ? "" : `: put ${converter} in between`;
}

/** Whether a wire may be drawn. `moving` is the edge that it takes the place of. */
export function checkWire(
  document: FlowDocument,
  views: ReadonlyMap<string, NodeView>,
  types: NodeTypes,
  wire: Wire,
  moving?: string,
): Verdict {
  const source = findPin(views, { node: wire.source, handle: wire.sourceHandle, side: "source" });
  const target = findPin(views, { node: wire.target, handle: wire.targetHandle, side: "target" });
  if (source === undefined || target === undefined) return no("A wire goes from an output to an input");
  const pins = checkPins(source, target);
  if (!pins.allowed) return pins;
  if (wire.source === wire.target) return no("A node cannot be wired to itself");
  if (document.edges.some((edge) => edge.id !== moving && isSameWire(edge, wire)))
    return no("They are connected already");
  if (source.special === "new" || target.special === "new") return YES;
  return checkCycle(document, types, wire, source.kind, moving);
}

/** The engine's validator is asked: only what it calls a cycle is one (a loop's body may lead back by data). */
function checkCycle(
  document: FlowDocument,
  types: NodeTypes,
  wire: Wire,
  kind: "exec" | "data",
  moving: string | undefined,
): Verdict {
  // Nothing leads back from where nothing goes on.
  if (!document.edges.some((edge) => edge.source === wire.target)) return YES;
  const after = moving === undefined ? connect(document, wire) : reconnect(document, moving, wire);
  const code = kind === "exec" ? "EXEC_CYCLE" : "DATA_CYCLE";
  const before = new Set(cyclesOf(document, types, code));
  const message = cyclesOf(after, types, code).find((one) => !before.has(one));
  if (message === undefined) return YES;
  return no(
    kind === "exec"
      ? "This would make exec run in a circle: use a loop (For each, While, Repeat)"
      : `This would make nodes wait for each other: ${message}`,
  );
}

function cyclesOf(document: FlowDocument, types: NodeTypes, code: string): string[] {
  const { flow } = normalizeFlow(writeFlow(document));
  if (flow === undefined) return [];
  return validateFlow(flow, types)
    .errors.filter((issue) => issue.code === code)
    .map((issue) => issue.message);
}
