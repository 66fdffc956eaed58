/** What a person can do about runs, and what the page shows of it. Failures are told, never thrown. */

import { checkFlow, type FlowIssue } from "../../../flow/index.ts";
import type { RunAction } from "../api/answers.ts";
import { ApiError } from "../api/request.ts";
import { viewport } from "../canvas/viewport.ts";
import type { FlowDocument } from "../model/flow-document.ts";
import { readFlow } from "../model/read-flow.ts";
import { writeFlow } from "../model/write-flow.ts";
import { useCatalog } from "../stores/catalog-store.ts";
import { useDocument } from "../stores/document-store.ts";
import { api } from "../stores/gateway.ts";
import { setProblems } from "../stores/problems-store.ts";
import { toast, toastError } from "../stores/toast-store.ts";
import { useView } from "../stores/view-store.ts";
import { breakpointsOf, toggleBreakpoints } from "./breakpoints-store.ts";
import { canHold } from "./can-hold.ts";
import { followRun, stopFollowing } from "./follow-run.ts";
import type { ActivationFrame } from "./frame.ts";
import { stopPlay } from "./playback.ts";
import { RunFrames } from "./replay.ts";
import { putRunInAddress } from "./run-address.ts";
import { isLive, openRunDialog, type ShownRun, showRun, useRun } from "./run-store.ts";

/** Asks for the inputs; says what stands in the way of a run instead when something does. */
export function askToRun(debug: boolean): void {
  const { document } = useDocument.getState();
  const view = useView.getState();
  if (view.frozen) closeRun();
  if (!document.nodes.some(({ type }) => type === "start")) return openRunDialog({ is: "empty" });
  const errors = errorsOf(document);
  const errorCount = errors.length;
  if (errorCount > 0) {
    view.showBottom("problems");
    const [first] = errors;
    if (first?.node_id !== undefined) view.select([first.node_id], []);
    toast(
      "error",
      errorCount === 1 ? `The flow cannot run: ${first?.message}` : `The flow cannot run: it has ${errorCount} errors`,
    );
    return;
  }
  openRunDialog({ is: "inputs", debug });
}

/** What the validator says now: what it said last may be about the flow as it was a moment ago. */
function errorsOf(document: FlowDocument): readonly FlowIssue[] {
  const { types, status } = useCatalog.getState();
  // The server knows, and has the last word anyway.
  if (status !== "ready") return [];
  const { errors, warnings } = checkFlow(writeFlow(document), types);
  setProblems(errors, warnings);
  return errors;
}

/** Runs the edited flow. False: it was not started, and why has been said. */
export async function startRun(inputs: Readonly<Record<string, unknown>>, debug: boolean): Promise<boolean> {
  const { document } = useDocument.getState();
  const wanted = breakpointsOf(document.name).filter((node) => canHold(document, node));
  // To debug without a breakpoint is to begin at the beginning.
  const start = document.nodes.filter(({ type }) => type === "start").map(({ id }) => id);
  const breakpoints = debug ? (wanted.length > 0 ? wanted : start) : [];
  return act("The flow was not started", async () => {
    const options = breakpoints.length > 0 ? { options: { breakpoints } } : {};
    const { run_id } = await api.start({ flow: writeFlow(document), inputs, ...options });
    const shown = newRun(run_id, { origin: "started", document });
    show(shown);
  });
}

/** Shows a run, live or past, on its own version of its flow. */
export function openRun(runId: string): void {
  openRunDialog(undefined);
  show(newRun(runId, { origin: "opened", document: undefined }));
}

/** Back to the flow alone. A run that goes on does so unseen. */
export function closeRun(): void {
  stopFollowing();
  stopPlay();
  showRun(undefined);
  putRunInAddress(undefined);
  useView.getState().freeze(undefined);
}

function newRun(runId: string, more: Pick<ShownRun, "origin" | "document">): ShownRun {
  const frames = new RunFrames(runId);
  return { runId, frames, cursor: frames.cursor(), ...more };
}

function show(shown: ShownRun): void {
  const view = useView.getState();
  stopPlay();
  view.freeze(undefined);
  putRunInAddress(shown.origin === "opened" ? shown.runId : undefined);
  showRun(shown);
  // The panel takes room from the canvas: the whole flow comes into what is left.
  if (view.bottomTab === undefined) requestAnimationFrame(() => requestAnimationFrame(() => viewport()?.fit()));
  view.showBottom("run");
  const onSubmitted = (): void => {
    if (shown.origin === "opened") freezeOn(shown);
  };
  const onEnd = (): void => {
    if (shown.origin === "started") openRunDialog({ is: "result" });
  };
  void followRun(shown, { onSubmitted, onEnd });
}

function freezeOn({ frames, runId }: ShownRun): void {
  const flow = frames.submitted?.flow;
  const { document } = readFlow(flow);
  if (flow && document) useView.getState().freeze({ document, title: `Run ${runId.slice(0, 8)} of ${flow.name}` });
}

export function control(action: RunAction): Promise<boolean> {
  return onRun(`The run was not ${SAID[action]}`, (run) => api.control(run, action));
}

const SAID = { cancel: "cancelled", terminate: "ended", pause: "paused", resume: "resumed" } as const;

/** Sends what is held on its way, and holds whatever becomes ready next. */
export function step(): Promise<boolean> {
  return onRun("The run did not step", (run) => api.step(run));
}

/** Sends what is held on its way, up to the next breakpoint. */
export function goOn(): Promise<boolean> {
  return onRun("The run did not go on", (run) => api.continue(run));
}

export function signal(name: string, payload: unknown): Promise<boolean> {
  return onRun("The signal was not sent", (run) => api.signal(run, name, payload));
}

/** Tries failed nodes again: in this run while it waits for that, else in a new one that is shown then. */
export function retry(node?: string): Promise<boolean> {
  return onRun("Nothing was tried again", async (run) => {
    const made = await api.retry(run, node);
    if (made.action === "rerun") openRun(made.run_id);
  });
}

/** Shows the run that a control_subflow of the shown run started. */
export async function openChild({ node, scope, childRun }: ActivationFrame): Promise<void> {
  if (childRun !== undefined) return openRun(childRun);
  await onRun("The child run was not found", async (run) => {
    const { waits_for } = await api.run(run);
    const child = waits_for.find((wait) => wait.kind === "child" && wait.node === node && wait.scope === scope);
    if (child?.kind === "child") openRun(child.run_id);
    else toast("info", "The child run has not begun yet");
  });
}

/** A new run that takes over what this one had before the node; it is shown then. */
export function rerunFrom(node: string, inputs: Readonly<Record<string, unknown>> | undefined): Promise<boolean> {
  return onRun("The run was not repeated", async (run) => {
    const { run_id } = await api.rerun(run, { from: node, ...(inputs ? { inputs } : {}) });
    openRun(run_id);
  });
}

/** Sets or lifts breakpoints of the shown flow; a run that is being debugged learns of it. */
export async function toggleBreakpointsOn(nodes: readonly string[]): Promise<void> {
  const { shown, status } = useRun.getState();
  const document = useView.getState().frozen?.document ?? useDocument.getState().document;
  const able = nodes.filter((node) => canHold(document, node));
  if (able.length === 0) {
    if (nodes.length > 0)
      toast("info", "A pure node runs for the nodes that read it: set the breakpoint on one of these");
    return;
  }
  const all = toggleBreakpoints(document.name, able).filter((node) => canHold(document, node));
  if (shown?.frames.isDebugged && isLive(status)) {
    await onRun("The run did not learn of the breakpoint", (run) => api.setBreakpoints(run, all));
  }
}

function onRun(failure: string, request: (run: string) => Promise<unknown>): Promise<boolean> {
  const { shown } = useRun.getState();
  return shown ? act(failure, () => request(shown.runId)) : Promise.resolve(false);
}

async function act(failure: string, request: () => Promise<unknown>): Promise<boolean> {
  useRun.setState({ busy: true });
  try {
    await request();
    return true;
  } catch (error) {
    if (error instanceof ApiError && error.code === "InvalidFlow" && error.issues.length > 0) tellProblems(error);
    else toastError(failure, error);
    return false;
  } finally {
    useRun.setState({ busy: false });
  }
}

/** The server's validator found what the editor's own did not: its word counts. */
function tellProblems(error: ApiError): void {
  openRunDialog(undefined);
  setProblems(error.issues as Parameters<typeof setProblems>[0], []);
  useView.getState().showBottom("problems");
  toast("error", `The flow cannot run: ${error.issues[0]?.message ?? error.message}`);
}
