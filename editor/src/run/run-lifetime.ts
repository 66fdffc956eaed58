/** A run is shown as long as the flow is that it is shown on. */
import type { FlowDocument } from "../model/flow-document.ts";
import { useDocument } from "../stores/document-store.ts";
import { useView } from "../stores/view-store.ts";
import { closeRun, openRun } from "./run-actions.ts";
import { runInAddress } from "./run-address.ts";
import { useRun } from "./run-store.ts";

/** Watches, and opens the run in the address, until what it gives is called. */
export function endWithItsFlow(): () => void {
  const unwatchView = useView.subscribe(({ frozen }, before) => {
    // Somebody went back to editing by another way.
    if (before.frozen && !frozen && useRun.getState().shown?.origin === "opened") closeRun();
  });
  const unwatchDocument = useDocument.subscribe(({ document }) => {
    const { shown } = useRun.getState();
    if (shown?.document && !isSameFlow(shown.document, document)) closeRun();
  });
  const openAddressed = (): void => {
    const run = runInAddress();
    if (run !== undefined && run !== useRun.getState().shown?.runId) openRun(run);
  };
  openAddressed();
  window.addEventListener("hashchange", openAddressed);
  return () => {
    window.removeEventListener("hashchange", openAddressed);
    unwatchView();
    unwatchDocument();
  };
}

/** Edited it stays the same flow; another one has another name, or none of its nodes. */
function isSameFlow(before: FlowDocument, now: FlowDocument): boolean {
  if (before.name !== now.name) return false;
  const known = new Map(before.nodes.map(({ id, type }) => [id, type]));
  return now.nodes.some(({ id, type }) => known.get(id) === type);
}
