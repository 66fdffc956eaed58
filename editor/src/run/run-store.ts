/**
 * The run that the canvas shows, and at which of its frames.
 *
 * V1. At most one run is shown. `shown` is the same object as long as it is the same run; what its cursor shows changes
 *     with `revision` alone.
 * V2. While `following`, the shown frame is the last one there is.
 */
import { create } from "zustand";
import type { RunResult, RunStanding } from "../api/answers.ts";
import type { FlowDocument } from "../model/flow-document.ts";
import type { FrameCursor } from "./frame-cursor.ts";
import type { RunFrames } from "./replay.ts";

export interface ShownRun {
  readonly runId: string;
  /** `started`: from this page, on the flow that is edited; `opened`: on its own version of its flow. */
  readonly origin: "started" | "opened";
  readonly frames: RunFrames;
  readonly cursor: FrameCursor;
  /** What was run, of one that was started here. */
  readonly document: FlowDocument | undefined;
}

/** The connection over which its entries come. */
export type Link = "connecting" | "open" | "lost" | "ended" | "failed";

export type RunDialog =
  | { readonly is: "inputs"; readonly debug: boolean }
  | { readonly is: "result" }
  | { readonly is: "runs" }
  | { readonly is: "rerun"; readonly node: string }
  | { readonly is: "signal"; readonly name: string }
  | { readonly is: "empty" };

export interface RunState {
  readonly shown: ShownRun | undefined;
  /** Counts up whenever the shown frame, or what is in it, changes. */
  readonly revision: number;
  readonly index: number;
  readonly length: number;
  readonly following: boolean;
  readonly playing: boolean;
  readonly link: Link;
  /** Why the connection failed or is being tried again. */
  readonly linkProblem: string | undefined;
  /** Where the run stands in its last frame, whichever is shown. */
  readonly status: RunStanding | undefined;
  readonly result: RunResult | undefined;
  /** A request is on its way: its buttons wait. */
  readonly busy: boolean;
  /** Which activation of a node is looked at, by node; others show their latest. */
  readonly picked: ReadonlyMap<string, string>;
  readonly dialog: RunDialog | undefined;
}

const nothing = {
  shown: undefined,
  index: -1,
  length: 0,
  following: true,
  playing: false,
  link: "connecting",
  linkProblem: undefined,
  status: undefined,
  result: undefined,
  picked: new Map(),
} as const;

export const useRun = create<RunState>()(() => ({ ...nothing, revision: 0, busy: false, dialog: undefined }));

export function showRun(shown: ShownRun | undefined): void {
  useRun.setState(({ revision }) => ({ ...nothing, shown, revision: revision + 1 }));
}

/** Takes in what was appended to the shown run's frames. */
export function showNews(): void {
  const { shown, following, index, revision } = useRun.getState();
  if (!shown) return;
  const { frames, cursor } = shown;
  if (following) cursor.seek(Number.POSITIVE_INFINITY);
  const last = frames.frames.at(-1);
  useRun.setState({
    length: frames.frames.length,
    status: last?.status,
    result: frames.result,
    index: following ? cursor.index : index,
    revision: revision + 1,
  });
}

/** Shows a frame; the last one is followed as long as the run goes on. */
export function seek(index: number): void {
  const { shown, length, revision } = useRun.getState();
  if (!shown || length === 0) return;
  shown.cursor.seek(Math.max(0, index));
  const at = shown.cursor.index;
  useRun.setState({ index: at, following: at >= length - 1, revision: revision + 1 });
}

/** Says which of a node's activations is looked at; undefined: its latest. */
export function pick(node: string, activation: string | undefined): void {
  useRun.setState(({ picked }) => {
    const next = new Map(picked);
    if (activation === undefined) next.delete(node);
    else next.set(node, activation);
    return { picked: next };
  });
}

export function openRunDialog(dialog: RunDialog | undefined): void {
  useRun.setState({ dialog });
}

export function isLive(status: RunStanding | undefined): boolean {
  return status !== undefined && status !== "succeeded" && status !== "failed" && status !== "cancelled";
}
