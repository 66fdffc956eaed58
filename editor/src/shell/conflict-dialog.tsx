import { useDocument } from "../stores/document-store.ts";
import { useSession } from "../stores/session-store.ts";
import { Dialog } from "./dialog.tsx";
import { openFlow, saveFlow } from "./flow-actions.ts";
import { downloadFlow } from "./import-flow.ts";
import { dropDraft } from "./local-draft.ts";

/** Somebody else saved the flow since it was opened here. */
export function ConflictDialog({ close }: { readonly close: () => void }) {
  const name = useSession((session) => session.savedAs);
  return (
    <Dialog
      title="Somebody else saved this flow"
      onClose={close}
      footer={
        <>
          <button type="button" className="button" onClick={downloadFlow}>
            Export mine to a file
          </button>
          <button
            type="button"
            className="button"
            onClick={() => {
              close();
              if (name === undefined) return;
              dropDraft(name);
              useSession.setState({ saved: useDocument.getState().document });
              void openFlow(name);
            }}
          >
            Take theirs
          </button>
          <button
            type="button"
            className="button button-danger"
            onClick={() => {
              close();
              void saveFlow({ force: true });
            }}
          >
            Keep mine
          </button>
        </>
      }
    >
      <p>
        <b>{name}</b> on the server is not the one that was opened here. Nothing was overwritten. To keep both, close
        this, give your flow another name in the top bar and save it.
      </p>
    </Dialog>
  );
}
