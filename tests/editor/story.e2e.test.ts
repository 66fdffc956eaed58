/**
 * One sitting in a real browser, against the real stack: an empty canvas becomes a flow, the flow runs, is broken and
 * mended, saved and found again, and its past is looked into. Each chapter begins where the one before it ended.
 */
import type { Locator, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { describeInBrowser, type Editor, type EditorPage, startEditor } from "./browser.ts";
import {
  drag,
  dropFromLibrary,
  expectIds,
  exported,
  input,
  middle,
  output,
  problemsOf,
  spot,
  wires,
  wiresOf,
} from "./edit-page.ts";
import { closeResult, expectStates, node, run, select, stateOf, textOf, toolbar } from "./run-page.ts";

/** (x + y) / 4, with the 4 as a literal: what is drawn in the first chapter. */
const drawn = [
  "add exec-out > divide exec-in",
  "add output-result > divide input-x",
  "divide exec-out > return exec-in",
  "divide output-result > return input-result",
  "start exec-out > add exec-in",
  "start output-x > add input-x",
  "start output-y > add input-y",
];

const badge = (page: Page, id: string): Locator => node(page, id).locator(".badge-error");
const slider = (page: Page): Locator => page.getByRole("slider", { name: "Position in the run's history" });
const header = (page: Page, id: string): Locator => node(page, id).locator(".node-header");

/** Closes the panel below, which leaves the canvas its whole height. */
async function closePanel(page: Page): Promise<void> {
  await page.getByRole("button", { name: "Close the panel" }).click();
}

/** Writes the literal of a node's input in the inspector. */
async function write(page: Page, id: string, name: string, text: string): Promise<void> {
  await header(page, id).click();
  await page.getByRole("textbox", { name: `Value of ${name}` }).fill(text);
  await page.keyboard.press("Tab");
}

/** Clicks the wire between two pins, half way. */
async function clickWire(page: Page, from: Locator, to: Locator): Promise<void> {
  const [a, b] = [await middle(from), await middle(to)];
  await page.mouse.click((a.x + b.x) / 2, (a.y + b.y) / 2);
  await page.locator(".react-flow__edge.selected").waitFor();
}

describeInBrowser("a flow's life in the editor", () => {
  let editor: Editor;
  let opened: EditorPage;
  let page: Page;

  beforeAll(async () => {
    editor = await startEditor();
    opened = await editor.open();
    page = opened.page;
  });
  afterAll(async () => {
    await opened?.[Symbol.asyncDispose]();
    await editor?.[Symbol.asyncDispose]();
  });

  test("it is drawn, run, broken, mended, saved, found again, replayed and debugged", {
    timeout: 240_000,
  }, async () => {
    await drawFromNothing();
    await runItAndReadTheResult();
    await breakAWireAndMendIt();
    await failWhileRunningAndMendIt();
    await saveAndFindItAgain();
    await lookIntoTheFailedRun();
    await stopAtABreakpoint();
    expect(opened.problems).toEqual([]);
  });

  async function drawFromNothing(): Promise<void> {
    await page.getByRole("heading", { name: "Draw your first flow" }).waitFor();
    await page.getByRole("textbox", { name: "Name of the flow" }).fill("story");
    await page.keyboard.press("Enter");
    await dropFromLibrary(page, "start", await spot(page, 110, 100));
    await dropFromLibrary(page, "math_add", await spot(page, 320, 230));
    await dropFromLibrary(page, "math_divide", await spot(page, 540, 100));
    await dropFromLibrary(page, "return", await spot(page, 750, 230));
    await expectIds(page, "start", "add", "divide", "return");
    // Nothing is wired yet, and each node says what it lacks.
    await badge(page, "divide").waitFor();

    await drag(page, output(page, "start", "exec-out"), input(page, "add", "exec-in"));
    await drag(page, output(page, "add", "exec-out"), input(page, "divide", "exec-in"));
    await drag(page, output(page, "divide", "exec-out"), input(page, "return", "exec-in"));
    await drag(page, output(page, "start", "output-+"), input(page, "add", "input-x"));
    await drag(page, output(page, "start", "output-+"), input(page, "add", "input-y"));
    await drag(page, output(page, "add", "output-result"), input(page, "divide", "input-x"));
    await drag(page, output(page, "divide", "output-result"), input(page, "return", "input-+"));
    await write(page, "divide", "y", "4");

    await expect.poll(() => problemsOf(page)).toEqual([]);
    expect(await page.locator(".node .badge").count()).toBe(0);
    await closePanel(page);
    expect(wiresOf(await exported(page))).toEqual(drawn);
  }

  async function runItAndReadTheResult(): Promise<void> {
    await run(page, { x: "7", y: "3" });
    const said = await closeResult(page);
    expect(said).toMatch(/^The flow succeeded in /);
    expect(said).toMatch(/result 2\.5 /);
    await expectStates(page, { start: "completed", add: "completed", divide: "completed", return: "completed" });
    expect(await page.locator(".wire-taken").count()).toBe(drawn.length);
    const details = await select(page, "divide");
    await expect.poll(() => textOf(details.getByRole("group", { name: "Inputs" }))).toMatch(/x\s+10\s+y\s+4/);
  }

  async function breakAWireAndMendIt(): Promise<void> {
    await closePanel(page);
    await clickWire(page, output(page, "add", "output-result"), input(page, "divide", "input-x"));
    await page.keyboard.press("Delete");
    await expect.poll(() => wires(page).count()).toBe(drawn.length - 1);
    expect(await badge(page, "divide").getAttribute("aria-label")).toMatch(/1 problem: .*"x"/);
    expect(await page.locator(".badge-error").count()).toBe(1);
    await toolbar(page).getByRole("button", { name: "Run", exact: true }).click();
    await page.getByText(/^The flow cannot run/).waitFor();
    await expect.poll(() => problemsOf(page)).toEqual(["MISSING_INPUT"]);

    await page.keyboard.press("Control+Z");
    await badge(page, "divide").waitFor({ state: "detached" });
    expect(wiresOf(await exported(page))).toEqual(drawn);
    await page.keyboard.press("Control+Shift+Z");
    await badge(page, "divide").waitFor();
    await page.keyboard.press("Control+Z");
    await badge(page, "divide").waitFor({ state: "detached" });
    await expect.poll(() => problemsOf(page)).toEqual([]);
    await closePanel(page);
  }

  async function failWhileRunningAndMendIt(): Promise<void> {
    // Nothing is wrong with a zero until it is divided by.
    await write(page, "divide", "y", "0");
    await run(page);
    const said = await closeResult(page);
    expect(said).toMatch(/^The flow failed after .*At node divide /);
    expect(said).toMatch(/DivideByZero/);
    await expectStates(page, { start: "completed", add: "completed", divide: "failed", return: "pending" });
    const details = await select(page, "divide");
    await expect.poll(() => textOf(details.getByRole("note"))).toMatch(/10 \/ 0/);

    await header(page, "divide").click();
    await page.keyboard.press("Control+Z");
    await node(page, "divide").getByRole("button", { name: "Edit y, now 4" }).waitFor();
    await page.keyboard.press("Control+Shift+Z");
    await node(page, "divide").getByRole("button", { name: "Edit y, now 0" }).waitFor();
    await page.keyboard.press("Control+Z");
    await node(page, "divide").getByRole("button", { name: "Edit y, now 4" }).waitFor();
    // The inputs of the last run are there again.
    await run(page);
    expect(await closeResult(page)).toMatch(/result 2\.5 /);
    await expectStates(page, { divide: "completed", return: "completed" });
  }

  async function saveAndFindItAgain(): Promise<void> {
    const before = await exported(page);
    await page.keyboard.press("Control+S");
    await page.getByText("Saved story").waitFor();
    await page.reload();
    await expectIds(page, "start", "add", "divide", "return");
    expect((await exported(page)).flow).toEqual(before.flow);
    expect(new URL(page.url()).hash).toBe("#/flow/story");
    expect(await stateOf(page, "divide")).toBeNull();
    await run(page, { x: "1", y: "1" });
    expect(await closeResult(page)).toMatch(/result 0\.5 /);
  }

  async function lookIntoTheFailedRun(): Promise<void> {
    await toolbar(page).getByRole("button", { name: "Runs" }).click();
    const runs = page.getByRole("dialog", { name: "Runs" });
    await runs
      .getByRole("row", { name: /of story: Succeeded/ })
      .nth(2)
      .waitFor();
    await runs.getByRole("combobox", { name: "Status" }).selectOption("failed");
    await expect.poll(() => runs.getByRole("row", { name: /^Open run/ }).count()).toBe(1);
    await runs.getByRole("row", { name: /of story: Failed/ }).click();
    await page.getByRole("button", { name: "Back to editing" }).waitFor();
    await expectStates(page, { divide: "failed", return: "pending" });
    // It is shown as it was then, zero and all.
    await node(page, "divide").getByRole("button", { name: "Edit y, now 0" }).waitFor();

    await slider(page).focus();
    await slider(page).press("Home");
    await expectStates(page, { start: "completed", add: "running", divide: "pending", return: "pending" });
    const seen = [await stateOf(page, "divide")];
    for (const last = Number(await slider(page).getAttribute("max")); ; ) {
      const at = Number(await slider(page).inputValue());
      if (at === last) break;
      await slider(page).press("ArrowRight");
      await expect.poll(() => slider(page).inputValue()).toBe(String(at + 1));
      const state = await stateOf(page, "divide");
      if (state !== seen.at(-1)) seen.push(state);
    }
    expect(seen).toEqual(["pending", "running", "failed"]);
    await page.getByRole("button", { name: "Back to editing" }).click();
    await node(page, "divide").getByRole("button", { name: "Edit y, now 4" }).waitFor();
  }

  async function stopAtABreakpoint(): Promise<void> {
    await node(page, "divide").hover();
    await node(page, "divide").getByRole("button", { name: "Set a breakpoint on divide" }).click();
    await run(page, { x: "20", y: "4" }, "Debug");
    await expectStates(page, { start: "completed", add: "completed", divide: "held", return: "pending" });
    const bar = page.getByRole("group", { name: "Debugger" });
    await bar.getByRole("button", { name: "divide" }).click();
    const details = page.getByRole("region", { name: "Run", exact: true });
    await expect.poll(() => textOf(details.getByRole("group", { name: "Inputs" }))).toMatch(/x\s+24\s+y\s+4/);
    await bar.getByRole("button", { name: "Step" }).click();
    await expectStates(page, { divide: "completed", return: "held" });
    await bar.getByRole("button", { name: "Continue" }).click();
    expect(await closeResult(page)).toMatch(/result 6 /);
    await expectStates(page, { start: "completed", add: "completed", divide: "completed", return: "completed" });
  }
});
