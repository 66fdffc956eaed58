/** What is seen and not saved: the selection, a drag in progress, the open search, the past flow that a run shows. */
import { create } from "zustand";
import type { PinAt } from "../model/connection-rules.ts";
import type { FlowDocument, Point } from "../model/flow-document.ts";

/** A flow that is looked at and not edited: the version that a run ran with. */
export interface FrozenFlow {
  readonly document: FlowDocument;
  /** Shown over the canvas: `Run r4x… of order`. */
  readonly title: string;
}

/** The node search: where it opens, where the node goes, and the loose wire or the wire that it is for. */
export interface NodeSearch {
  readonly screen: Point;
  readonly flow: Point;
  readonly from?: PinAt;
}

export type DialogName = "flows" | "help" | "settings" | "import" | "connect" | "conflict" | "token" | "new";
export type SideTab = "inspector" | "variables" | "flow";
export type BottomTab = "problems" | "run";

interface ViewState {
  readonly selectedNodes: ReadonlySet<string>;
  readonly selectedEdges: ReadonlySet<string>;
  /** Where the dragged nodes are; the document learns of it when they are dropped. */
  readonly dragged: ReadonlyMap<string, Point> | undefined;
  readonly search: NodeSearch | undefined;
  readonly frozen: FrozenFlow | undefined;
  readonly dialog: DialogName | undefined;
  readonly sideTab: SideTab;
  readonly bottomTab: BottomTab | undefined;
  /** The edge under a palette entry that is being dragged. */
  readonly dropEdge: string | undefined;
  /** The input whose field the inspector should focus, `<node> <pin>`. */
  readonly focusField: string | undefined;
  select(nodes: Iterable<string>, edges: Iterable<string>): void;
  openSearch(search: NodeSearch | undefined): void;
  openDialog(dialog: DialogName | undefined): void;
  showTab(tab: SideTab): void;
  showBottom(tab: BottomTab | undefined): void;
  /** Shows a past flow in the place of the edited one; undefined goes back to it. */
  freeze(flow: FrozenFlow | undefined): void;
}

export const useView = create<ViewState>()((set, get) => ({
  selectedNodes: new Set(),
  selectedEdges: new Set(),
  dragged: undefined,
  search: undefined,
  frozen: undefined,
  dialog: undefined,
  sideTab: "inspector",
  bottomTab: undefined,
  dropEdge: undefined,
  focusField: undefined,
  select: (nodes, edges) => {
    const next = { selectedNodes: new Set(nodes), selectedEdges: new Set(edges) };
    const { selectedNodes, selectedEdges } = get();
    if (sameSet(next.selectedNodes, selectedNodes) && sameSet(next.selectedEdges, selectedEdges)) return;
    set(next);
  },
  openSearch: (search) => set({ search }),
  openDialog: (dialog) => set({ dialog }),
  showTab: (sideTab) => set({ sideTab }),
  showBottom: (bottomTab) => set({ bottomTab }),
  freeze: (frozen) => set({ frozen, selectedNodes: new Set(), selectedEdges: new Set(), dragged: undefined }),
}));

function sameSet(a: ReadonlySet<string>, b: ReadonlySet<string>): boolean {
  return a.size === b.size && [...a].every((item) => b.has(item));
}
