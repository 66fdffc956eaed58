/** Leads the eye to a node of the shown run. */
import { viewport } from "../canvas/viewport.ts";
import { useView } from "../stores/view-store.ts";
import { pick, useRun } from "./run-store.ts";

/** Selects it, brings it into sight, and opens its details at an activation; undefined: its latest. */
export function showNode(node: string, activation: string | undefined): void {
  pick(node, activation);
  const view = useView.getState();
  view.select([node], []);
  view.showTab("inspector");
  viewport()?.show([node]);
}

/** The same, at the activation that failed last. */
export function showFailure(node: string): void {
  const { shown } = useRun.getState();
  showNode(node, shown?.cursor.activations(node).findLast(({ state }) => state === "failed")?.key);
}
