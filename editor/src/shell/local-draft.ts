/** What was not saved on the server, kept in the browser until it is: a closed tab loses nothing. */
import { type ReadFlow, readFlow } from "../model/read-flow.ts";
import { writeFlow } from "../model/write-flow.ts";
import { useDocument } from "../stores/document-store.ts";
import { isDirty, useSession } from "../stores/session-store.ts";

const key = (savedAs: string | undefined): string => `rayflow.draft.${savedAs ?? ""}`;

export interface LocalDraft extends ReadFlow {
  /** The revision that it was made from. */
  readonly revision: number | string | undefined;
}

/** Of a flow on the server by its name; of a new flow by undefined. */
export function readDraft(savedAs: string | undefined): LocalDraft | undefined {
  try {
    const text = localStorage.getItem(key(savedAs));
    if (text === null) return undefined;
    const { flow, revision } = JSON.parse(text) as { flow: unknown; revision?: number | string };
    return { ...readFlow(flow), revision };
  } catch {
    return undefined;
  }
}

export function dropDraft(savedAs: string | undefined): void {
  localStorage.removeItem(key(savedAs));
}

/** Keeps the draft in step with the document: there while something is unsaved, gone when nothing is. */
export function keepDraft(): void {
  const { savedAs, revision } = useSession.getState();
  if (!isDirty()) return dropDraft(savedAs);
  try {
    const flow = writeFlow(useDocument.getState().document);
    localStorage.setItem(key(savedAs), JSON.stringify({ flow, revision }));
  } catch {
    // Full, or switched off: the server's draft is then the only one.
  }
}
