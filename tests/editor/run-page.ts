/** What people do with runs in the editor, for the tests that do it. */
import type { Locator, Page } from "playwright-core";
import { expect } from "vitest";

export function node(page: Page, id: string): Locator {
  return page.locator(`.react-flow__node[data-id="${id}"]`);
}

/** How the canvas shows the node: `completed`, `failed`, … */
export async function stateOf(page: Page, id: string): Promise<string | null> {
  return node(page, id).locator(".node").getAttribute("data-run");
}

export async function expectStates(page: Page, states: Record<string, string>): Promise<void> {
  await expect
    .poll(
      async () =>
        Object.fromEntries(await Promise.all(Object.keys(states).map(async (id) => [id, await stateOf(page, id)]))),
      {
        timeout: 15_000,
      },
    )
    .toEqual(states);
}

export function toolbar(page: Page): Locator {
  return page.getByRole("group", { name: "Run", exact: true });
}

/** Clicks Run (or Debug), writes the inputs, and starts. */
export async function run(
  page: Page,
  inputs: Record<string, string> = {},
  how: "Run" | "Debug" = "Run",
): Promise<void> {
  await toolbar(page).getByRole("button", { name: how, exact: true }).click();
  const dialog = page.getByRole("dialog", { name: new RegExp(`^${how} `) });
  for (const [name, text] of Object.entries(inputs)) await field(dialog, name).fill(text);
  await dialog.getByRole("button", { name: how, exact: true }).click();
  await dialog.waitFor({ state: "detached" });
}

export function field(dialog: Locator, name: string): Locator {
  return dialog.getByRole("textbox", { name: new RegExp(`^${name}\\b`) });
}

/** The dialog at a run's end; it is closed. Gives what it said. */
export async function closeResult(page: Page): Promise<string> {
  const dialog = page.getByRole("dialog", { name: /^(The flow|The run) / });
  await dialog.waitFor();
  const text = await textOf(dialog);
  await dialog.getByRole("contentinfo").or(dialog).getByRole("button", { name: "Close" }).last().click();
  await dialog.waitFor({ state: "detached" });
  return text;
}

export async function select(page: Page, id: string): Promise<Locator> {
  await node(page, id).locator(".node-header").click();
  return page.getByRole("region", { name: "Run", exact: true });
}

/** What a person reads there, on one line. */
export async function textOf(locator: Locator): Promise<string> {
  return (await locator.allInnerTexts()).join(" ").replaceAll(/\s+/g, " ");
}
