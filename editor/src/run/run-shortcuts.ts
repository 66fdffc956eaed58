/** The keys of a run, for the help sheet and for who binds them. */
import { useView } from "../stores/view-store.ts";
import { stepBy, togglePlay } from "./playback.ts";
import { askToRun, closeRun, control, goOn, step, toggleBreakpointsOn } from "./run-actions.ts";
import { isLive, openRunDialog, useRun } from "./run-store.ts";

export interface RunShortcut {
  /** As in `Mod+Enter`; Mod is Ctrl, or Command on a Mac. */
  readonly keys: string;
  readonly title: string;
  readonly run: () => void;
}

const isHeld = (): boolean => (useRun.getState().shown?.frames.frames.at(-1)?.held.length ?? 0) > 0;
const isShown = (): boolean => useRun.getState().shown !== undefined;

export const runShortcuts: readonly RunShortcut[] = [
  { keys: "Mod+Enter", title: "Run the flow", run: () => askToRun(false) },
  { keys: "Mod+Shift+Enter", title: "Debug the flow: stop at breakpoints", run: () => askToRun(true) },
  {
    keys: "F9",
    title: "Set or lift a breakpoint on the selected nodes",
    run: () => void toggleBreakpointsOn([...useView.getState().selectedNodes]),
  },
  {
    keys: "F10",
    title: "Step: run what is held, stop at what comes next",
    run: () => {
      if (isHeld()) void step();
    },
  },
  {
    keys: "F8",
    title: "Continue to the next breakpoint",
    run: () => {
      if (isHeld()) void goOn();
    },
  },
  {
    keys: "Shift+F5",
    title: "Stop the run that is shown",
    run: () => {
      if (isShown() && isLive(useRun.getState().status)) void control("cancel");
    },
  },
  { keys: "Mod+Shift+H", title: "Past runs", run: () => openRunDialog({ is: "runs" }) },
  { keys: "Alt+ArrowLeft", title: "One step back in the run's history", run: () => isShown() && stepBy(-1) },
  { keys: "Alt+ArrowRight", title: "One step on in the run's history", run: () => isShown() && stepBy(1) },
  { keys: "Alt+P", title: "Play the run's history", run: () => isShown() && togglePlay() },
  { keys: "Alt+W", title: "Close the shown run", run: () => isShown() && closeRun() },
];
