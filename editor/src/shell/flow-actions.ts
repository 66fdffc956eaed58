/** Opening, saving and deploying flows. One at a time: a save that is asked for during a save follows it. */
import type { SavedOver } from "../api/client.ts";
import { ApiError } from "../api/request.ts";
import { laidOut } from "../canvas/auto-layout.ts";
import { viewport } from "../canvas/viewport.ts";
import { emptyDocument, type FlowDocument } from "../model/flow-document.ts";
import { type ReadFlow, readFlow } from "../model/read-flow.ts";
import { writeFlow } from "../model/write-flow.ts";
import { ask } from "../stores/ask-store.ts";
import { edit, replaceDocument, useDocument } from "../stores/document-store.ts";
import { api } from "../stores/gateway.ts";
import { useProblems } from "../stores/problems-store.ts";
import { isDirty, useSession } from "../stores/session-store.ts";
import { toast, toastError } from "../stores/toast-store.ts";
import { useView } from "../stores/view-store.ts";
import { putFlowInAddress } from "./flow-address.ts";
import { flowNameProblem } from "./flow-name.ts";
import { dropDraft, keepDraft, readDraft } from "./local-draft.ts";

let saving: Promise<boolean> | undefined;

export interface SaveOptions {
  /** Says nothing when all goes well, and asks nothing: for the saves that nobody asked for. */
  readonly quiet?: boolean;
  /** Replaces what somebody else saved. */
  readonly force?: boolean;
}

/** Saves the flow as it is on the server, valid or not. Gives whether it is there now. */
export async function saveFlow(options: SaveOptions = {}): Promise<boolean> {
  while (saving !== undefined) await saving;
  saving = save(options).finally(() => {
    saving = undefined;
  });
  return saving;
}

async function save({ quiet = false, force = false }: SaveOptions): Promise<boolean> {
  const { document } = useDocument.getState();
  const { savedAs, revision, saved, state } = useSession.getState();
  const problem = flowNameProblem(document.name);
  if (problem !== undefined) {
    if (!quiet) toast("error", problem);
    return false;
  }
  if (saved === document && savedAs === document.name && state.is === "idle" && !force) {
    if (!quiet) toast("info", "Nothing has changed since the last save");
    return true;
  }
  const isOwn = savedAs === document.name;
  try {
    useSession.setState({ state: { is: "saving" } });
    const over = force ? undefined : overOf(isOwn, revision);
    const answer = await api.saveFlow(document.name, writeFlow(document), over);
    dropDraft(savedAs);
    useSession.setState({
      savedAs: document.name,
      revision: answer.revision,
      saved: document,
      state: { is: "idle" },
      ...(isOwn ? {} : { version: undefined, deployed: undefined }),
    });
    keepDraft();
    putFlowInAddress(document.name);
    if (!quiet) toast("success", `Saved ${document.name}`);
    return true;
  } catch (error) {
    if (error instanceof ApiError && error.status === 412 && !isOwn) {
      useSession.setState({ state });
      return (await mayReplace(document.name)) && save({ quiet, force: true });
    }
    if (error instanceof ApiError && error.status === 412) {
      useSession.setState({ state: { is: "conflict" } });
      useView.getState().openDialog("conflict");
      return false;
    }
    if (error instanceof ApiError && error.status === 401) useView.getState().openDialog("token");
    useSession.setState({ state: { is: "failed", message: error instanceof Error ? error.message : String(error) } });
    if (!quiet) toastError("The flow was not saved", error);
    return false;
  }
}

/** A name that this flow does not have on the server yet must be free: the server says whether it is, in the same step. */
function overOf(isOwn: boolean, revision: number | string | undefined): SavedOver | undefined {
  if (!isOwn) return "nothing";
  return revision === undefined ? undefined : { revision };
}

async function mayReplace(name: string): Promise<boolean> {
  const text = `There is another flow called ${name} on the server. Saving this one puts it in its place.`;
  const answer = await ask("Replace the other flow?", text, [{ value: "replace", label: "Replace", tone: "danger" }]);
  return answer === "replace";
}

export async function deployFlow(): Promise<void> {
  const { problems, errorCount } = useProblems.getState();
  if (errorCount > 0) {
    toast("error", `${errorCount} ${errorCount === 1 ? "problem stands" : "problems stand"} in the way of deploying`);
    if (problems.length > 0) useView.getState().showBottom("problems");
    return;
  }
  const { document } = useDocument.getState();
  if ((isDirty() || useSession.getState().savedAs !== document.name) && !(await saveFlow({ quiet: true }))) return;
  const { savedAs, saved } = useSession.getState();
  if (savedAs === undefined) return;
  try {
    const { version } = await api.deployFlow(savedAs);
    useSession.setState({ version, deployed: saved });
    toast("success", `Deployed ${savedAs}, version ${version.slice(0, 8)}`);
  } catch (error) {
    toastError("The flow was not deployed", error);
    if (error instanceof ApiError && error.issues.length > 0) useView.getState().showBottom("problems");
  }
}

/** Asks before something unsaved is left. True: go on. */
export async function mayLeave(): Promise<boolean> {
  if (!isDirty()) return true;
  const { name } = useDocument.getState().document;
  const answer = await ask("Leave without saving?", `The changes to ${name} are not saved on the server.`, [
    { value: "drop", label: "Leave them", tone: "danger" },
    { value: "save", label: "Save first", tone: "primary" },
  ]);
  if (answer === "save") return saveFlow();
  if (answer === "drop") dropDraft(useSession.getState().savedAs);
  return answer === "drop";
}

export async function newFlow(name: string): Promise<void> {
  if (!(await mayLeave())) return;
  show(emptyDocument(name), {});
  putFlowInAddress(undefined);
}

/** Opens a flow from the server, with what was not saved of it here. */
export async function openFlow(name: string): Promise<boolean> {
  if (!(await mayLeave())) return false;
  try {
    const answer = await api.flow(name);
    const read = readFlow(answer.flow, name);
    if (read.document === undefined) throw new Error(read.problems[0]);
    const document = await placed({ ...read, document: { ...read.document, name } });
    const { revision, version } = answer;
    show(document, {
      savedAs: name,
      revision,
      version,
      saved: document,
      deployed: revision === undefined ? document : undefined,
    });
    putFlowInAddress(name);
    restoreDraft(name, revision);
    return true;
  } catch (error) {
    toastError(`${name} was not opened`, error);
    return false;
  }
}

function restoreDraft(name: string, revision: number | string | undefined): void {
  const draft = readDraft(name);
  const document = draft?.document;
  if (document === undefined || draft === undefined) return;
  edit(() => document);
  if (draft.revision === revision) {
    toast("info", "Changes that were not saved are back");
  } else {
    useSession.setState({ state: { is: "conflict" }, revision: draft.revision });
    useView.getState().openDialog("conflict");
  }
}

/** What a new tab begins with: the flow in the address, else an unsaved one, else an empty one. */
export async function openFirst(name: string | undefined): Promise<void> {
  if (name !== undefined && (await openFlow(name))) return;
  const draft = readDraft(undefined);
  if (draft?.document !== undefined && draft.document.nodes.length > 0) {
    show(draft.document, {});
    toast("info", "The flow that was not saved yet is back");
  }
}

interface Origin {
  readonly savedAs?: string;
  readonly revision?: number | string | undefined;
  readonly version?: string | undefined;
  readonly saved?: FlowDocument;
  readonly deployed?: FlowDocument | undefined;
}

/** Puts a flow on the canvas in the place of the one that is there. */
export function show(document: FlowDocument, { savedAs, revision, version, saved, deployed }: Origin): void {
  useView.getState().freeze(undefined);
  useSession.setState({ savedAs, revision, version, saved, deployed, state: { is: "idle" } });
  replaceDocument(document);
  useView.setState({ sideTab: "inspector" });
  requestAnimationFrame(() => viewport()?.fit());
}

/** A read flow with a place for every node: what came without positions is laid out. */
export async function placed({ document, unplaced }: ReadFlow): Promise<FlowDocument> {
  if (document === undefined) throw new Error("no flow");
  if (unplaced.length === 0) return document;
  const only = unplaced.length === document.nodes.length ? undefined : new Set(unplaced);
  return laidOut(document, only).catch(() => document);
}
