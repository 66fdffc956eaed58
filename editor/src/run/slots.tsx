/** The components that the shell and the canvas mount; each shows nothing while there is nothing to show. */

/** The buttons of the top bar: run, stop. */
export function RunControls() {
  return null;
}

/** The tab "Run" of the bottom panel. */
export function RunPanel() {
  return null;
}

/** The inputs of a run, its success, its failure. */
export function RunDialogs() {
  return null;
}

/** Lies over a node of the canvas (position: absolute in a relative box). */
export function RunNodeOverlay(_: { readonly id: string }) {
  return null;
}

/** What the shown run knows of a node: time, attempts, values in and out. */
export function RunNodeDetails(_: { readonly id: string }) {
  return null;
}
