/** Runs in a real browser: run, see, break, mend, replay, debug, run again. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { describeInBrowser, type Editor, saveFlow, startEditor } from "./browser.ts";
import { branches, calling, divide, flowFile, large, loop, pausing, steps, waiting } from "./run-flows.ts";
import { closeResult, expectStates, field, node, run, select, stateOf, textOf, toolbar } from "./run-page.ts";

describeInBrowser("runs in the editor", () => {
  let editor: Editor;

  beforeAll(async () => {
    editor = await startEditor();
    for (const flow of [divide, branches, calling, large, loop, pausing, steps, waiting])
      await saveFlow(editor.url, flow.metadata.name, flow);
  });
  afterAll(() => editor?.[Symbol.asyncDispose]());

  test("a flow runs with its inputs; a failure shows on its node; mended, it succeeds", async () => {
    await using opened = await editor.open("#/flow/divide");
    const { page, problems } = opened;
    await node(page, "div").waitFor();
    await toolbar(page).getByRole("button", { name: "Run", exact: true }).click();
    const dialog = page.getByRole("dialog", { name: "Run divide" });
    await dialog.getByRole("button", { name: "Run", exact: true }).click();
    expect(await dialog.getByText("a is required").isVisible()).toBe(true);
    await field(dialog, "a").fill("9");
    await field(dialog, "b").fill("three");
    await field(dialog, "b").press("Enter");
    expect(await dialog.getByText("b must be float").isVisible()).toBe(true);
    await field(dialog, "b").fill("3");
    await field(dialog, "b").press("Enter");

    const said = await closeResult(page);
    expect(said).toMatch(/^The flow succeeded in .* result 3 /);
    expect(said).toMatch(/Executed 3 /i);
    await expectStates(page, { start: "completed", div: "completed", ret: "completed" });
    expect(await page.locator(".wire-taken").count()).toBe(5);
    const details = await select(page, "div");
    await expect.poll(() => textOf(details)).toMatch(/x\s+9\s+y\s+3/);
    expect(await textOf(details.getByRole("group", { name: "Outputs" }))).toMatch(/result\s+3/);

    await run(page, { b: "0" });
    const failed = await closeResult(page);
    expect(failed).toMatch(/^The flow failed after .*At node div /);
    await expectStates(page, { start: "completed", div: "failed", ret: "pending" });
    expect(await textOf((await select(page, "div")).getByRole("note"))).toMatch(/zero/i);

    // What was written last is there again.
    await run(page, { b: "2" });
    expect(await closeResult(page)).toMatch(/result 4\.5 /);
    expect(problems).toEqual([]);
  });

  test("a branch shows which wires were taken and which are dead", async () => {
    await using opened = await editor.open("#/flow/branches");
    const { page, problems } = opened;
    await node(page, "is").waitFor();
    await toolbar(page).getByRole("button", { name: "Run", exact: true }).click();
    const dialog = page.getByRole("dialog", { name: "Run branches" });
    await dialog.getByRole("combobox", { name: /^yes/ }).selectOption("false");
    await dialog.getByRole("button", { name: "Run", exact: true }).click();
    expect(await closeResult(page)).toMatch(/Skipped 1/i);
    await expectStates(page, { is: "completed", left: "skipped", right: "completed", ret: "completed" });
    expect(await page.locator(".wire-dead").count()).toBe(2);
    expect(problems).toEqual([]);
  });

  test("a loop shows each of its iterations", async () => {
    await using opened = await editor.open("#/flow/loop");
    const { page, problems } = opened;
    await node(page, "add").waitFor();
    await run(page);
    await closeResult(page);
    await expectStates(page, { each: "completed", add: "completed" });
    expect(await node(page, "add").getByText("×3").isVisible()).toBe(true);
    expect(await page.locator(".wire-taken").count()).toBe(loop.flow.edges.length);
    const details = await select(page, "add");
    await details.getByText("3 of 3").waitFor();
    expect(await textOf(details.getByRole("group", { name: "Inputs" }))).toMatch(/x\s+30/);
    await details.getByRole("button", { name: "Previous iteration" }).click();
    expect(await textOf(details.getByRole("group", { name: "Outputs" }))).toMatch(/result\s+21/);
    await details.getByRole("combobox", { name: "Iteration" }).selectOption("add@each[0]");
    await details.getByText("1 of 3").waitFor();
    expect(await textOf(details.getByRole("group", { name: "Inputs" }))).toMatch(/x\s+10/);
    expect(problems).toEqual([]);
  });

  test("a past run opens on its own version of the flow, and is slid through", async () => {
    const flow = (extra: string) =>
      flowFile(
        "versions",
        { start: { type: "start" }, [extra]: { type: "base_debug", constants: { value: 1 } }, ret: { type: "return" } },
        [`start > ${extra}`, `${extra} > ret`],
      );
    const response = await fetch(`${editor.url}/api/flows/execute`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ flow: flow("before"), inputs: {} }),
    });
    const { run_id } = (await response.json()) as { run_id: string };
    await saveFlow(editor.url, "versions", flow("after"));
    await using opened = await editor.open("#/flow/versions");
    const { page, problems } = opened;
    await node(page, "after").waitFor();

    await toolbar(page).getByRole("button", { name: "Runs" }).click();
    const runs = page.getByRole("dialog", { name: "Runs" });
    await runs
      .getByRole("textbox", { name: "Flow" })
      .or(runs.getByRole("combobox", { name: "Flow" }))
      .first()
      .fill("versions");
    await runs.getByRole("combobox", { name: "Status" }).selectOption("succeeded");
    await runs.getByRole("row", { name: new RegExp(run_id) }).click();
    await node(page, "before").waitFor();
    expect(await node(page, "after").count()).toBe(0);
    await expectStates(page, { start: "completed", before: "completed", ret: "completed" });

    // The run is in the address: it can be sent to somebody, and outlives a reload.
    expect(new URL(page.url()).hash).toBe(`#/run/${run_id}`);
    await page.reload();
    await node(page, "before").waitFor();
    await expectStates(page, { before: "completed", ret: "completed" });

    const slider = page.getByRole("slider", { name: "Position in the run's history" });
    await slider.focus();
    await slider.press("Home");
    await expectStates(page, { start: "completed", before: "running", ret: "pending" });
    expect(await slider.getAttribute("aria-valuetext")).toMatch(/^Step 1 of \d+, after 0 ms: versions submitted$/);
    await slider.press("ArrowRight");
    await expectStates(page, { before: "completed", ret: "completed" });
    await page.getByRole("button", { name: "First step" }).click();
    await page.getByRole("button", { name: "Play the replay" }).click();
    await expectStates(page, { before: "completed", ret: "completed" });

    await page
      .getByRole("listbox", { name: "Node times" })
      .getByRole("option", { name: /^Debug/ })
      .click();
    await page.getByRole("region", { name: "Run", exact: true }).getByRole("group", { name: "Inputs" }).waitFor();
    await page.getByRole("button", { name: "Back to editing" }).click();
    await node(page, "before").waitFor({ state: "detached" });
    await page.goto(`${editor.url}/#/flow/versions`);
    await page.reload();
    await node(page, "after").waitFor();
    expect(await stateOf(page, "after")).toBeNull();
    expect(problems).toEqual([]);
  });

  test("a run stops at a breakpoint, steps, goes on, and the breakpoint outlives the page", async () => {
    await using opened = await editor.open("#/flow/steps");
    const { page, problems } = opened;
    await node(page, "two").hover();
    await node(page, "two").getByRole("button", { name: "Set a breakpoint on two" }).click();
    await run(page, { text: "look" }, "Debug");
    await expectStates(page, { one: "completed", two: "held", three: "pending" });
    const debuggerBar = page.getByRole("group", { name: "Debugger" });
    await debuggerBar.getByRole("button", { name: "two" }).click();
    const details = page.getByRole("region", { name: "Run", exact: true });
    expect(await textOf(details.getByRole("group", { name: "Inputs" }))).toMatch(/value\s+"look"/);

    await debuggerBar.getByRole("button", { name: "Step" }).click();
    await expectStates(page, { two: "completed", three: "held" });
    await page.keyboard.press("F8");
    expect(await closeResult(page)).toMatch(/text "look"/);
    await expectStates(page, { three: "completed", ret: "completed" });

    await page.reload();
    await node(page, "two").getByRole("button", { name: "Remove the breakpoint on two" }).waitFor();
    await select(page, "two");
    await page.keyboard.press("F9");
    await node(page, "two").getByRole("button", { name: "Set a breakpoint on two" }).waitFor({ state: "attached" });

    // Without a breakpoint to debug is to begin at the beginning; to stop is to end the run.
    await run(page, {}, "Debug");
    await expectStates(page, { start: "held" });
    await page.getByRole("group", { name: "Debugger" }).getByRole("button", { name: "Stop" }).click();
    expect(await closeResult(page)).toMatch(/^The run was cancelled/);
    expect(problems).toEqual([]);
  });

  test("an ended run is run again from a node, with other inputs", async () => {
    await using opened = await editor.open("#/flow/divide");
    const { page, problems } = opened;
    await node(page, "div").waitFor();
    await run(page, { a: "8", b: "0" });
    await closeResult(page);
    const details = await select(page, "div");
    await details.getByRole("button", { name: "Run again from here" }).click();
    const dialog = page.getByRole("dialog", { name: "Run again from div" });
    await field(dialog, "y").fill("4");
    expect(await dialog.getByText("1 input changed").isVisible()).toBe(true);
    await dialog.getByRole("button", { name: "Run again" }).click();
    await expectStates(page, { start: "completed", div: "completed", ret: "completed" });
    expect(await textOf((await select(page, "ret")).getByRole("group", { name: "Inputs" }))).toMatch(/result\s+2/);
    expect(problems).toEqual([]);
  });

  test("what came before the node is taken over, not run again", async () => {
    await using opened = await editor.open("#/flow/steps");
    const { page, problems } = opened;
    await node(page, "two").waitFor();
    await run(page, { text: "first" });
    await closeResult(page);
    await (await select(page, "two")).getByRole("button", { name: "Run again from here" }).click();
    const dialog = page.getByRole("dialog", { name: "Run again from two" });
    await field(dialog, "value").fill("no JSON");
    expect(await dialog.getByRole("button", { name: "Run again" }).isDisabled()).toBe(true);
    await field(dialog, "value").fill('"second"');
    await dialog.getByRole("button", { name: "Run again" }).click();
    await page.getByRole("button", { name: "Back to editing" }).waitFor();
    await expectStates(page, { one: "completed", two: "completed", ret: "completed" });
    expect(await textOf(await select(page, "one"))).toMatch(/taken over from an earlier run.*"first"/);
    expect(await textOf((await select(page, "ret")).getByRole("group", { name: "Inputs" }))).toMatch(/text\s+"second"/);
    expect(problems).toEqual([]);
  });

  test("a waiting run is paused, resumed, given its signal; another one is cancelled", async () => {
    await using opened = await editor.open("#/flow/waiting");
    const { page, problems } = opened;
    await node(page, "wait").waitFor();
    await run(page);
    await expectStates(page, { wait: "waiting" });
    const panel = page.getByRole("region", { name: /^Run r/ });
    await panel.getByRole("button", { name: "Pause", exact: true }).click();
    await panel.getByRole("status").getByText("Paused").waitFor();
    await panel.getByRole("button", { name: "Resume" }).click();
    await panel.getByRole("status").getByText("Waiting").waitFor();
    await panel.getByRole("button", { name: "Send signal" }).click();
    const dialog = page.getByRole("dialog", { name: "Send a signal" });
    await dialog.getByRole("textbox", { name: /^Payload/ }).fill('{"ok": [1, 2]}');
    await dialog.getByRole("button", { name: "Send" }).click();
    expect(await closeResult(page)).toMatch(/succeeded/);
    await expectStates(page, { wait: "completed", after: "completed" });

    await run(page);
    await expectStates(page, { wait: "waiting" });
    await page.keyboard.press("Shift+F5");
    expect(await closeResult(page)).toMatch(/^The run was cancelled/);
    expect(problems).toEqual([]);
  });

  test("a failed node of a paused run is tried again, each attempt with its error", async () => {
    await using opened = await editor.open("#/flow/pausing");
    const { page, problems } = opened;
    await node(page, "div").waitFor();
    await run(page, { a: "1", b: "0" });
    await expectStates(page, { div: "failed", ret: "pending" });
    const panel = page.getByRole("region", { name: /^Run r/ });
    await panel.getByRole("status").getByText("Paused").waitFor();
    await panel.getByRole("button", { name: "Try again" }).click();
    await node(page, "div").getByTitle("2 attempts").waitFor();
    const details = await select(page, "div");
    expect(await details.getByRole("table", { name: "Attempts" }).getByText("DivideByZero").count()).toBe(2);
    await panel.getByRole("button", { name: "Cancel" }).click();
    expect(await closeResult(page)).toMatch(/^The run was cancelled/);
    expect(problems).toEqual([]);
  });

  test("a run that a node started is opened from it, and leads back", async () => {
    const deployed = await fetch(`${editor.url}/api/flows/divide/deploy`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: "{}",
    });
    expect(deployed.status).toBe(200);
    await using opened = await editor.open("#/flow/calling");
    const { page, problems } = opened;
    await node(page, "call").waitFor();
    await run(page);
    expect(await closeResult(page)).toMatch(/answer \{1\} result: 3/);
    await (await select(page, "call")).getByRole("button", { name: "Open its run" }).click();
    await expectStates(page, { start: "completed", div: "completed", ret: "completed" });
    await page.getByRole("button", { name: "Its parent" }).click();
    await expectStates(page, { start: "completed", call: "completed", ret: "completed" });
    expect(problems).toEqual([]);
  });

  test("a value too large for the log is loaded when it is asked for; pure nodes show theirs", async () => {
    await using opened = await editor.open("#/flow/large");
    const { page, problems } = opened;
    await node(page, "range").waitFor();
    await run(page);
    expect(await closeResult(page)).toMatch(/count 100000/);
    await expectStates(page, { range: "completed", count: "completed", show: "completed" });
    const details = await select(page, "show");
    const inputs = details.getByRole("group", { name: "Inputs" });
    expect(await textOf(inputs)).toMatch(/list, \d+ KiB/);
    await inputs.getByRole("button", { name: "Load" }).click();
    await inputs.getByText("[100000]").waitFor();
    expect(await textOf(await select(page, "count"))).toMatch(/for ret/);
    expect(problems).toEqual([]);
  });

  test("an empty flow and one with errors are not run, and why is said", async () => {
    await using opened = await editor.open();
    const { page, problems } = opened;
    await toolbar(page).getByRole("button", { name: "Run", exact: true }).click();
    const dialog = page.getByRole("dialog", { name: "There is nothing to run yet" });
    await dialog.getByRole("button", { name: "All right" }).click();
    const noReturn = flowFile("unfinished", { start: { type: "start" }, one: { type: "base_debug" } }, ["start > one"]);
    await saveFlow(editor.url, "unfinished", noReturn);
    await page.goto(`${editor.url}/#/flow/unfinished`);
    await page.reload();
    await node(page, "one").waitFor();
    await page.getByRole("tab", { name: /^Problems\s*[1-9]/ }).waitFor();
    await toolbar(page).getByRole("button", { name: "Run", exact: true }).click();
    await page.getByText(/^The flow cannot run/).waitFor();
    expect(await page.getByRole("tab", { name: /^Problems/ }).getAttribute("aria-selected")).toBe("true");
    expect(problems).toEqual([]);
  });
});
