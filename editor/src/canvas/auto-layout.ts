/** Lays the flow out in a worker; the layout engine is fetched when it is first wanted. */
import type { ELK } from "elkjs/lib/elk-api.js";
import workerUrl from "elkjs/lib/elk-worker.min.js?url";
import { moveNodes } from "../model/edit-nodes.ts";
import type { FlowDocument } from "../model/flow-document.ts";
import { layoutGraph, positionsFrom } from "../model/layout-graph.ts";
import { nodeViews } from "../model/node-view.ts";
import { useCatalog } from "../stores/catalog-store.ts";
import { edit, useDocument } from "../stores/document-store.ts";
import { toastError } from "../stores/toast-store.ts";

let engine: Promise<ELK> | undefined;

function layoutEngine(): Promise<ELK> {
  engine ??= import("elkjs/lib/elk-api.js").then(
    ({ default: Elk }) => new Elk({ workerFactory: () => new Worker(workerUrl) }),
  );
  return engine;
}

/** The document with its nodes, or only these, in places of their own. */
export async function laidOut(document: FlowDocument, only?: ReadonlySet<string>): Promise<FlowDocument> {
  const views = nodeViews()(document, useCatalog.getState().types);
  const elk = await layoutEngine();
  const laid = await elk.layout(layoutGraph(document, views, only));
  return moveNodes(document, positionsFrom(laid, document, only));
}

/** Lays out what is selected when that is more than one node, else all. Gives false when it could not. */
export async function layoutNow(selected: ReadonlySet<string>): Promise<boolean> {
  const { document } = useDocument.getState();
  try {
    const after = await laidOut(document, selected.size > 1 ? selected : undefined);
    const places = new Map(after.nodes.map((node) => [node.id, node.position]));
    // The flow may have changed while the worker was busy: only positions are taken over.
    edit((now) => moveNodes(now, places));
    return true;
  } catch (error) {
    engine = undefined;
    toastError("The layout failed", error);
    return false;
  }
}
