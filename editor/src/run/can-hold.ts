/** At which nodes a run can be held. */
import type { FlowDocument } from "../model/flow-document.ts";
import { edgeKind } from "../model/handle-ids.ts";
import { useCatalog } from "../stores/catalog-store.ts";

/** Not at pure ones: these are evaluated for the nodes that read them. */
export function canHold(document: FlowDocument, id: string): boolean {
  const node = document.nodes.find((one) => one.id === id);
  if (!node) return false;
  if (useCatalog.getState().types.get(node.type)?.pure !== true) return true;
  return document.edges.some((edge) => (edge.source === id || edge.target === id) && edgeKind(edge) === "exec");
}
