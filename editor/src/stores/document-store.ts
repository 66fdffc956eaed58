/**
 * The flow that is being edited, and its history. It owns nothing but the document: what is selected, dragged or shown
 * is the view store's.
 *
 * H1. Every edit is one step of the history, but edits with the same `merge` key in quick succession are one together.
 * H2. An edit that changes nothing is no step.
 */
import { temporal } from "zundo";
import { create } from "zustand";
import { emptyDocument, type FlowDocument } from "../model/flow-document.ts";
import { useView } from "./view-store.ts";

interface DocumentState {
  readonly document: FlowDocument;
}

const HISTORY_LIMIT = 300;
const MERGE_MS = 1_000;

export const useDocument = create<DocumentState>()(
  temporal((): DocumentState => ({ document: emptyDocument("flow") }), {
    limit: HISTORY_LIMIT,
    equality: (before, after) => before.document === after.document,
  }),
);

let lastMerge: { key: string; at: number } | undefined;

/** Makes the next document. Gives false when nothing changed, or when a past run is being looked at. */
export function edit(change: (document: FlowDocument) => FlowDocument, merge?: string): boolean {
  if (useView.getState().frozen !== undefined) return false;
  const { document } = useDocument.getState();
  const next = change(document);
  if (next === document) return false;
  const now = Date.now();
  const joins = merge !== undefined && lastMerge?.key === merge && now - lastMerge.at < MERGE_MS;
  lastMerge = merge === undefined ? undefined : { key: merge, at: now };
  const history = useDocument.temporal.getState();
  if (joins) history.pause();
  useDocument.setState({ document: next });
  if (joins) history.resume();
  return true;
}

/** Another flow: the history begins anew. */
export function replaceDocument(document: FlowDocument): void {
  lastMerge = undefined;
  const history = useDocument.temporal.getState();
  history.pause();
  useDocument.setState({ document });
  history.resume();
  history.clear();
  useView.getState().select([], []);
}

export function undo(): void {
  travel("undo");
}

export function redo(): void {
  travel("redo");
}

function travel(way: "undo" | "redo"): void {
  if (useView.getState().frozen !== undefined) return;
  lastMerge = undefined;
  useDocument.temporal.getState()[way]();
  const { nodes, edges } = useDocument.getState().document;
  const { selectedNodes, selectedEdges, select } = useView.getState();
  select(
    nodes.filter((node) => selectedNodes.has(node.id)).map((node) => node.id),
    edges.filter((edge) => selectedEdges.has(edge.id)).map((edge) => edge.id),
  );
}
