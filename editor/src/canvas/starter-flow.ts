/** The smallest flow: START wired to RETURN. */
import { connect } from "../model/edit-edges.ts";
import { addNode } from "../model/edit-nodes.ts";
import { useCatalog } from "../stores/catalog-store.ts";
import { edit } from "../stores/document-store.ts";
import { viewport } from "./viewport.ts";

export function insertStarter(): void {
  const { types } = useCatalog.getState();
  const start = types.get("start");
  const end = types.get("return");
  if (start === undefined || end === undefined) return;
  edit((document) => {
    const first = addNode(document, start, { x: 0, y: 0 });
    const second = addNode(first.document, end, { x: 420, y: 0 });
    const wire = { source: first.id, sourceHandle: "exec-out", target: second.id, targetHandle: "exec-in" };
    return connect(second.document, wire);
  });
  requestAnimationFrame(() => viewport()?.fit());
}
