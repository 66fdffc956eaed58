/** Keeps what changes: in the browser at once, on the server when the flow was saved there before. */
import { useDocument } from "../stores/document-store.ts";
import { isDirty, useSession } from "../stores/session-store.ts";
import { useSettings } from "../stores/settings-store.ts";
import { saveFlow } from "./flow-actions.ts";
import { keepDraft } from "./local-draft.ts";

const LOCAL_MS = 400;
const SERVER_MS = 1_500;

/** Begins; gives the function that ends it. */
export function startAutosave(): () => void {
  let local: ReturnType<typeof setTimeout> | undefined;
  let server: ReturnType<typeof setTimeout> | undefined;
  const stop = useDocument.subscribe((now, before) => {
    if (now.document === before.document) return;
    clearTimeout(local);
    clearTimeout(server);
    local = setTimeout(keepDraft, LOCAL_MS);
    server = setTimeout(saveQuietly, SERVER_MS);
  });
  const onLeave = (event: BeforeUnloadEvent) => {
    keepDraft();
    if (isDirty()) event.preventDefault();
  };
  window.addEventListener("beforeunload", onLeave);
  return () => {
    clearTimeout(local);
    clearTimeout(server);
    stop();
    window.removeEventListener("beforeunload", onLeave);
  };
}

function saveQuietly(): void {
  const { savedAs, state } = useSession.getState();
  const { document } = useDocument.getState();
  if (!useSettings.getState().autosave || savedAs !== document.name || !isDirty()) return;
  // A conflict is for the person to settle; a failure is tried again with the next change.
  if (state.is === "conflict") return;
  void saveFlow({ quiet: true });
}
