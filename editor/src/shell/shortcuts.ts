/** Every shortcut, for the keys and for the help sheet. */
import { arrange } from "../canvas/canvas-toolbar.tsx";
import { deleteSelection, duplicateSelection, selectAll } from "../canvas/edit-actions.ts";
import { freePlace, viewport } from "../canvas/viewport.ts";
import { runShortcuts } from "../run/index.ts";
import { redo, undo } from "../stores/document-store.ts";
import { changeSettings, useSettings } from "../stores/settings-store.ts";
import { shownFlow } from "../stores/shown-flow.ts";
import { useView } from "../stores/view-store.ts";
import { saveFlow } from "./flow-actions.ts";
import { downloadFlow } from "./import-flow.ts";

export interface Shortcut {
  /** Any of these. */
  readonly keys: readonly string[];
  readonly title: string;
  readonly run: () => void;
  /** Works while a text is typed, too. */
  readonly always?: boolean;
}

export interface ShortcutGroup {
  readonly title: string;
  readonly shortcuts: readonly Shortcut[];
}

const open = (dialog: Parameters<ReturnType<typeof useView.getState>["openDialog"]>[0]) => () =>
  useView.getState().openDialog(dialog);

function searchAtCenter(): void {
  const view = viewport();
  if (view === undefined || useView.getState().frozen !== undefined) return;
  const { x, y } = view.toScreen(view.center());
  const at = freePlace(shownFlow().document.nodes.map((node) => node.position));
  useView.getState().openSearch({ screen: { x: x - 150, y: y - 120 }, flow: { x: at.x, y: at.y + 20 } });
}

function inspect(): void {
  const [node] = useView.getState().selectedNodes;
  if (node !== undefined) useView.setState({ sideTab: "inspector", focusField: node });
}

const toggle = (key: "snap" | "minimap" | "palette" | "side") => () =>
  changeSettings({ [key]: !useSettings.getState()[key] });

export const shortcutGroups: readonly ShortcutGroup[] = [
  {
    title: "Draw",
    shortcuts: [
      { keys: ["A"], title: "Add a node", run: searchAtCenter },
      { keys: ["C"], title: "Connect the selected node", run: open("connect") },
      { keys: ["Enter"], title: "Edit the selected node", run: inspect },
      { keys: ["Delete", "Backspace"], title: "Delete what is selected", run: deleteSelection },
      { keys: ["Mod+D"], title: "Duplicate", run: duplicateSelection },
      { keys: ["L"], title: "Arrange all, or the selected nodes", run: () => void arrange() },
    ],
  },
  {
    title: "Edit",
    shortcuts: [
      { keys: ["Mod+Z"], title: "Undo", run: undo },
      { keys: ["Mod+Shift+Z", "Mod+Y"], title: "Redo", run: redo },
      { keys: ["Mod+A"], title: "Select all", run: selectAll },
      { keys: ["Escape"], title: "Select nothing", run: () => useView.getState().select([], []) },
    ],
  },
  {
    title: "Look",
    shortcuts: [
      { keys: ["F"], title: "Show the whole flow", run: () => viewport()?.fit() },
      {
        keys: ["Shift+F"],
        title: "Show what is selected",
        run: () => viewport()?.show([...useView.getState().selectedNodes]),
      },
      { keys: ["+", "="], title: "Zoom in", run: () => viewport()?.zoom(1.25) },
      { keys: ["-"], title: "Zoom out", run: () => viewport()?.zoom(0.8) },
      { keys: ["H"], title: "Drag moves the canvas", run: () => changeSettings({ drag: "pan" }) },
      { keys: ["V"], title: "Drag selects", run: () => changeSettings({ drag: "select" }) },
      { keys: ["G"], title: "Snap to the grid", run: toggle("snap") },
      { keys: ["M"], title: "Mini map", run: toggle("minimap") },
      { keys: ["["], title: "Node library", run: toggle("palette") },
      { keys: ["]"], title: "Details", run: toggle("side") },
    ],
  },
  {
    title: "Flow",
    shortcuts: [
      { keys: ["Mod+S"], title: "Save", run: () => void saveFlow(), always: true },
      { keys: ["Mod+O"], title: "Flows", run: open("flows"), always: true },
      { keys: ["Mod+E"], title: "Export to a file", run: downloadFlow, always: true },
      { keys: ["P"], title: "Problems", run: () => useView.getState().showBottom("problems") },
      { keys: ["/"], title: "Search the node library", run: focusPalette },
      { keys: ["?"], title: "This sheet", run: open("help") },
    ],
  },
  ...(runShortcuts.length === 0
    ? []
    : [
        {
          title: "Run",
          shortcuts: runShortcuts.map(({ keys, title, run }) => ({ keys: [keys], title, run, always: true })),
        },
      ]),
];

function focusPalette(): void {
  changeSettings({ palette: true });
  requestAnimationFrame(() => document.getElementById("palette-search")?.focus());
}

/** What the mouse does, for the help sheet. */
export const gestures: readonly [gesture: string, title: string][] = [
  ["Ctrl+C  Ctrl+X  Ctrl+V", "Copy, cut and paste, as flow JSON, between tabs and editors too"],
  ["Arrow keys", "Move the selected nodes; with Shift, further"],
  ["Tab", "From node to node"],
  ["Drag a pin", "Draw a wire; dropped on the empty canvas, it asks for the node"],
  ["Drag a wire's end", "Move it to another pin"],
  ["Double-click the canvas", "Add a node there"],
  ["Shift+drag", "Select with a frame"],
  ["Drop a file", "Import a flow"],
];
