/** Flow files in and out. */
import { readFlow } from "../model/read-flow.ts";
import { fileNameOf, writeFlow } from "../model/write-flow.ts";
import { useDocument } from "../stores/document-store.ts";
import { shownFlow } from "../stores/shown-flow.ts";
import { toast } from "../stores/toast-store.ts";
import { mayLeave, placed, show } from "./flow-actions.ts";
import { putFlowInAddress } from "./flow-address.ts";
import { asFlowName } from "./flow-name.ts";

/** Larger files are no flows: 10,000 nodes are some 5 MB. */
const MAX_BYTES = 20 << 20;

export async function importFile(file: File): Promise<boolean> {
  if (file.size > MAX_BYTES) {
    toast("error", `${file.name} is too large to be a flow`);
    return false;
  }
  return importText(await file.text(), file.name.replace(/\.[^.]*$/, ""));
}

/** Puts the flow of a file's text on the canvas, as a new flow. Gives whether it could. */
export async function importText(text: string, name: string): Promise<boolean> {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    toast("error", `${name} is not JSON: ${error instanceof Error ? error.message : error}`);
    return false;
  }
  const read = readFlow(json, asFlowName(name));
  if (read.document === undefined) {
    toast("error", read.problems[0] ?? "This is no flow");
    return false;
  }
  if (!(await mayLeave())) return false;
  show(await placed(read), {});
  putFlowInAddress(undefined);
  const { nodes } = read.document;
  toast("success", `Imported ${nodes.length} ${nodes.length === 1 ? "node" : "nodes"} as ${read.document.name}`);
  for (const problem of read.problems.slice(0, 3)) toast("info", problem);
  return true;
}

export function exportText(): string {
  return `${JSON.stringify(writeFlow(shownFlow().document), null, 2)}\n`;
}

export function downloadFlow(): void {
  const url = URL.createObjectURL(new Blob([exportText()], { type: "application/json" }));
  const link = document.createElement("a");
  link.href = url;
  link.download = fileNameOf(useDocument.getState().document);
  link.click();
  URL.revokeObjectURL(url);
}
