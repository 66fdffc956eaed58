/** The flow that the canvas shows: the edited one, or the past one that a run is looked at on. */
import type { NodeTypes } from "../../../flow/index.ts";
import type { FlowDocument } from "../model/flow-document.ts";
import { type NodeView, nodeViews } from "../model/node-view.ts";
import { useCatalog } from "./catalog-store.ts";
import { useDocument } from "./document-store.ts";
import { useView } from "./view-store.ts";

const build = nodeViews();

export interface ShownFlow {
  readonly document: FlowDocument;
  readonly types: NodeTypes;
  readonly views: ReadonlyMap<string, NodeView>;
  readonly frozen: boolean;
}

export function useShownDocument(): FlowDocument {
  const frozen = useView((view) => view.frozen);
  const document = useDocument((state) => state.document);
  return frozen?.document ?? document;
}

export function useNodeViews(): ReadonlyMap<string, NodeView> {
  const document = useShownDocument();
  const types = useCatalog((catalog) => catalog.types);
  return build(document, types);
}

/** The same, for what happens outside of drawing. */
export function shownFlow(): ShownFlow {
  const { frozen } = useView.getState();
  const document = frozen?.document ?? useDocument.getState().document;
  const { types } = useCatalog.getState();
  return { document, types, views: build(document, types), frozen: frozen !== undefined };
}
