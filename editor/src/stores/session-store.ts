/** Where the edited flow lives on the server, and whether what is there is what is here. */
import { create } from "zustand";
import type { FlowDocument } from "../model/flow-document.ts";
import { useDocument } from "./document-store.ts";

export type SaveState =
  | { readonly is: "idle" }
  | { readonly is: "saving" }
  | { readonly is: "failed"; readonly message: string }
  | { readonly is: "conflict" };

interface SessionState {
  /** Its name on the server; undefined while it was never saved there. */
  readonly savedAs: string | undefined;
  readonly revision: number | string | undefined;
  /** The document as it was saved or loaded last; undefined: never. */
  readonly saved: FlowDocument | undefined;
  /** The version that is deployed, and the document that it was made from when that was here. */
  readonly version: string | undefined;
  readonly deployed: FlowDocument | undefined;
  readonly state: SaveState;
}

export const useSession = create<SessionState>()(() => ({
  savedAs: undefined,
  revision: undefined,
  saved: undefined,
  version: undefined,
  deployed: undefined,
  state: { is: "idle" },
}));

/** Whether leaving would lose something: a new flow with nothing in it has nothing to lose. */
export function isDirty(): boolean {
  const { document } = useDocument.getState();
  const { saved } = useSession.getState();
  return saved === undefined ? document.nodes.length > 0 : saved !== document;
}

export function useIsDirty(): boolean {
  const document = useDocument((state) => state.document);
  const saved = useSession((session) => session.saved);
  return saved === undefined ? document.nodes.length > 0 : saved !== document;
}
