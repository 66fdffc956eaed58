/** What people do to draw, for the tests that do it. */
import type { Locator, Page } from "playwright-core";
import { expect } from "vitest";
import { node } from "./run-page.ts";

export const canvas = (page: Page): Locator => page.getByRole("region", { name: "Canvas" });

/** A pin by its handle: `input-x`, `exec-out`. */
export function pin(page: Page, of: string, handle: string, side: "source" | "target"): Locator {
  return node(page, of).locator(`.react-flow__handle.${side}[data-handleid="${handle}"]`);
}

export const output = (page: Page, of: string, handle: string): Locator => pin(page, of, handle, "source");
export const input = (page: Page, of: string, handle: string): Locator => pin(page, of, handle, "target");

export const wires = (page: Page): Locator => page.locator(".react-flow__edge");

/** Draws a wire with the mouse, step by step as a hand would. */
export async function drag(page: Page, from: Locator, to: Locator | { x: number; y: number }): Promise<void> {
  const start = await middle(from);
  const end = "x" in to ? to : await middle(to);
  await page.mouse.move(start.x, start.y);
  await page.mouse.down();
  await page.mouse.move((start.x + end.x) / 2, (start.y + end.y) / 2, { steps: 4 });
  await page.mouse.move(end.x, end.y, { steps: 4 });
  await page.mouse.up();
}

export async function middle(of: Locator): Promise<{ x: number; y: number }> {
  await of.waitFor();
  const box = await of.boundingBox();
  if (box === null) throw new Error("it is not to be seen");
  return { x: box.x + box.width / 2, y: box.y + box.height / 2 };
}

/** Drags an entry of the library to a point of the page. */
export async function dropFromLibrary(page: Page, type: string, at: { x: number; y: number }): Promise<void> {
  const entry = page.locator(`.palette-entry[data-type="${type}"]`);
  await entry.scrollIntoViewIfNeeded();
  const from = await middle(entry);
  await page.mouse.move(from.x, from.y);
  await page.mouse.down();
  await page.mouse.move(from.x + 10, from.y, { steps: 2 });
  await page.mouse.move(at.x, at.y, { steps: 5 });
  await page.mouse.up();
}

/** A point of the canvas, from its top left corner. */
export async function spot(page: Page, x: number, y: number): Promise<{ x: number; y: number }> {
  const box = await canvas(page).boundingBox();
  return { x: (box?.x ?? 0) + x, y: (box?.y ?? 0) + y };
}

export interface Drawn {
  readonly metadata: { readonly name: string };
  readonly flow: {
    readonly nodes: readonly {
      readonly id: string;
      readonly type: string;
      readonly position: { readonly x: number; readonly y: number };
      readonly data: { readonly [key: string]: unknown };
    }[];
    readonly edges: readonly {
      readonly source: string;
      readonly sourceHandle: string;
      readonly target: string;
      readonly targetHandle: string;
    }[];
  };
  readonly [key: string]: unknown;
}

/** The flow as the editor exports it. */
export async function exported(page: Page): Promise<Drawn> {
  const [download] = await Promise.all([
    page.waitForEvent("download"),
    page.getByRole("button", { name: /^Export to a file/ }).click(),
  ]);
  const chunks: Buffer[] = [];
  for await (const chunk of await download.createReadStream()) chunks.push(Buffer.from(chunk));
  return JSON.parse(Buffer.concat(chunks).toString("utf8"));
}

/** Its wires, `a exec-out > b exec-in`, sorted. */
export function wiresOf({ flow }: Drawn): string[] {
  return flow.edges.map((e) => `${e.source} ${e.sourceHandle} > ${e.target} ${e.targetHandle}`).sort();
}

/** Pastes a flow into the import dialog. */
export async function importText(page: Page, json: unknown): Promise<void> {
  await page.getByRole("button", { name: "Import a flow" }).click();
  const dialog = page.getByRole("dialog", { name: "Import a flow" });
  await dialog.getByLabel("Or paste its JSON").fill(typeof json === "string" ? json : JSON.stringify(json));
  await dialog.getByRole("button", { name: "Import", exact: true }).click();
}

/** Says that what is unsaved may go. */
export async function leaveUnsaved(page: Page): Promise<void> {
  await page.getByRole("button", { name: "Leave them" }).click();
}

/** Waits until the validator has looked at the flow as it is, and gives what it says. */
export async function problemsOf(page: Page): Promise<string[]> {
  const tab = page.getByRole("tab", { name: /^Problems/ });
  if ((await tab.getAttribute("aria-selected")) !== "true") await tab.click();
  await page.waitForFunction("document.querySelector('.problems, .panel-empty')?.textContent !== 'Checking…'");
  return page.locator(".problem code").allInnerTexts();
}

export async function expectIds(page: Page, ...ids: string[]): Promise<void> {
  const shown = () =>
    page.locator(".react-flow__node").evaluateAll((nodes) => nodes.map((one) => one.getAttribute("data-id")).sort());
  await expect.poll(shown).toEqual([...ids].sort());
}

/** Opens the canvas on a flow that exists nowhere but in this page. */
export async function onCanvas(page: Page, flow: unknown): Promise<void> {
  await page.locator(".palette-entry").first().waitFor();
  await importText(page, flow);
  await page.locator(".react-flow__node").first().waitFor();
  // The view moves to the new flow in the frames after that.
  await page.evaluate(
    "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done))))",
  );
}
