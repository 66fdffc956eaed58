/** What an empty canvas says. */
import { useCatalog } from "../stores/catalog-store.ts";
import { useDocument } from "../stores/document-store.ts";
import { useView } from "../stores/view-store.ts";
import { insertStarter } from "./starter-flow.ts";

export function EmptyHint() {
  const { status, problem, load } = useCatalog();
  const name = useDocument((state) => state.document.name);
  if (status === "failed") {
    return (
      <div className="empty-hint" role="alert">
        <h2>The server does not answer</h2>
        <p>{problem}</p>
        <div className="empty-hint-actions">
          <button type="button" className="button button-primary" onClick={() => void load()}>
            Try again
          </button>
        </div>
      </div>
    );
  }
  return (
    <div className="empty-hint">
      <h2>Draw your first flow</h2>
      <p>
        A flow begins at <b className="word-start">Start</b> and ends at <b className="word-return">Return</b>. White
        wires say when a node runs, coloured wires say what it gets.
      </p>
      <div className="empty-hint-actions">
        <button type="button" className="button button-primary" onClick={() => insertStarter()}>
          Begin with Start and Return
        </button>
        <button type="button" className="button" onClick={() => useView.getState().openDialog("flows")}>
          Open a flow
        </button>
        <button type="button" className="button" onClick={() => useView.getState().openDialog("import")}>
          Import a file
        </button>
      </div>
      <p className="quiet">
        Or drag a node from the left, double-click here, or press <kbd>A</kbd>. This flow is called <b>{name}</b>.
      </p>
    </div>
  );
}
