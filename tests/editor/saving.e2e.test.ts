/** What becomes of a flow beyond the canvas: saved, saved by itself, deployed, in conflict, lost and found again. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { describeInBrowser, type Editor, saveFlow, startEditor } from "./browser.ts";
import { expectIds, exported, onCanvas, problemsOf } from "./edit-page.ts";
import { node } from "./run-page.ts";

const flow = (name: string, label = "Sum") => ({
  metadata: { name, owner: "Ada" },
  variables: { total: null },
  cases: [{ inputs: { a: 1 } }],
  flow: {
    nodes: [
      {
        id: "start",
        type: "start",
        position: { x: 0, y: 0 },
        data: { config: { api_schema: { a: { type: "float" } } } },
      },
      {
        id: "sum",
        type: "math_add",
        position: { x: 260, y: 0 },
        data: { label, constantValues: { y: 1 }, notes: "mine" },
      },
      { id: "ret", type: "return", position: { x: 520, y: 0 }, data: {} },
    ],
    edges: [
      { id: "e1", source: "start", sourceHandle: "exec-out", target: "sum", targetHandle: "exec-in" },
      { id: "e2", source: "sum", sourceHandle: "exec-out", target: "ret", targetHandle: "exec-in" },
      { id: "e3", source: "start", sourceHandle: "output-a", target: "sum", targetHandle: "input-x" },
      { id: "e4", source: "sum", sourceHandle: "output-result", target: "ret", targetHandle: "input-sum" },
    ],
  },
});

describeInBrowser("keeping flows in the editor", () => {
  let editor: Editor;

  beforeAll(async () => {
    editor = await startEditor();
  });
  afterAll(() => editor?.[Symbol.asyncDispose]());

  const onServer = async (name: string) => {
    const answer = await fetch(`${editor.url}/api/flows/${name}`);
    const { flow: saved } = (await answer.json()) as { flow: ReturnType<typeof flow> };
    return saved;
  };
  const labelOnServer = async (name: string) =>
    (await onServer(name)).flow.nodes.find(({ id }) => id === "sum")?.data.label;

  test("a flow that was opened saves itself after a change, with what the editor does not know of", async () => {
    await saveFlow(editor.url, "itself", flow("itself"));
    await using opened = await editor.open("#/flow/itself");
    const { page, problems } = opened;
    await node(page, "sum").locator(".node-header").click();
    await page.getByRole("textbox", { name: "Label" }).fill("Plus one");
    await expect.poll(() => labelOnServer("itself")).toBe("Plus one");
    expect(await onServer("itself")).toMatchObject({
      metadata: { owner: "Ada" },
      variables: { total: null },
      cases: [{ inputs: { a: 1 } }],
    });
    expect((await onServer("itself")).flow.nodes[1]?.data).toMatchObject({ notes: "mine" });
    expect(problems).toEqual([]);
  });

  test("a flow is deployed, found in the list with its status, and deleted there", async () => {
    await using opened = await editor.open();
    const { page, problems } = opened;
    await onCanvas(page, flow("ship"));
    expect(await problemsOf(page)).toEqual([]);
    await page.getByRole("button", { name: "Deploy" }).click();
    await page.getByText(/^Deployed ship, version /).waitFor();
    const run = await fetch(`${editor.url}/api/flows/execute`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ flowRef: "ship", inputs: { a: 41 } }),
    });
    expect(await run.json()).toMatchObject({ success: true, result: { sum: 42 } });

    await page.getByRole("button", { name: "Flows" }).click();
    const row = page.getByRole("list", { name: "Flows" }).getByRole("listitem").filter({ hasText: "ship" });
    await row.getByText("Deployed", { exact: true }).waitFor();
    await row.getByRole("button", { name: "Delete ship" }).click();
    await page.getByRole("button", { name: "Delete", exact: true }).click();
    await row.waitFor({ state: "detached" });
    expect((await fetch(`${editor.url}/api/flows/ship`)).status).toBe(404);
    expect(problems).toEqual([]);
  });

  test("what somebody else saved is not overwritten: the person chooses", async () => {
    await saveFlow(editor.url, "shared", flow("shared"));
    for (const [choice, label] of [
      ["Take theirs", "Theirs"],
      ["Keep mine", "Mine"],
    ] as const) {
      await using opened = await editor.open("#/flow/shared");
      const { page } = opened;
      await node(page, "sum").waitFor();
      await saveFlow(editor.url, "shared", flow("shared", "Theirs"));
      await node(page, "sum").locator(".node-header").click();
      await page.getByRole("textbox", { name: "Label" }).fill("Mine");
      const dialog = page.getByRole("dialog", { name: "Somebody else saved this flow" });
      await dialog.waitFor();
      expect(await labelOnServer("shared")).toBe("Theirs");
      await dialog.getByRole("button", { name: choice }).click();
      await node(page, "sum").getByText(label, { exact: true }).waitFor();
      await expect.poll(() => labelOnServer("shared")).toBe(label);
    }
  });

  test("the first save of a flow does not take the place of another one that nobody here has seen", async () => {
    await using opened = await editor.open();
    const { page } = opened;
    await onCanvas(page, flow("taken", "Mine"));
    await saveFlow(editor.url, "taken", flow("taken", "Theirs"));
    const dialog = page.getByRole("dialog", { name: "Replace the other flow?" });
    for (const [choice, label] of [
      ["Cancel", "Theirs"],
      ["Replace", "Mine"],
    ] as const) {
      await page.keyboard.press("Control+s");
      await dialog.waitFor();
      expect(await labelOnServer("taken")).toBe("Theirs");
      await dialog.getByRole("button", { name: choice, exact: true }).click();
      await dialog.waitFor({ state: "detached" });
      await expect.poll(() => labelOnServer("taken")).toBe(label);
    }
    await page.getByText("Saved taken").waitFor();
  });

  test("a new flow that was never saved is back after a reload", async () => {
    await using opened = await editor.open();
    const { page, problems } = opened;
    await onCanvas(page, flow("lost"));
    await expect.poll(() => page.evaluate("localStorage.getItem('rayflow.draft.') !== null")).toBe(true);
    // The browser asks, since something is unsaved; the person leaves all the same.
    let asked = 0;
    page.on("dialog", (dialog) => {
      asked++;
      void dialog.accept();
    });
    await page.getByRole("heading", { name: "RayFlow" }).or(page.locator(".brand")).first().click();
    await page.reload();
    await expectIds(page, "start", "sum", "ret");
    expect((await exported(page)).metadata).toMatchObject({ name: "lost", owner: "Ada" });
    expect(asked).toBe(1);
    expect(problems).toEqual([]);
  });

  test("leaving an unsaved flow for another one asks first", async () => {
    await saveFlow(editor.url, "other", flow("other", "Other"));
    await using opened = await editor.open();
    const { page, problems } = opened;
    await onCanvas(page, flow("mine"));
    const open = async () => {
      await page.getByRole("button", { name: "Flows" }).click();
      await page
        .getByRole("list", { name: "Flows" })
        .getByRole("button", { name: /^other/ })
        .click();
    };
    await open();
    await page.getByRole("dialog", { name: "Leave without saving?" }).getByRole("button", { name: "Cancel" }).click();
    await page.keyboard.press("Escape");
    await node(page, "sum").getByText("Sum", { exact: true }).waitFor();
    await open();
    await page.getByRole("button", { name: "Save first" }).click();
    await node(page, "sum").getByText("Other").waitFor();
    expect((await onServer("mine")).metadata.name).toBe("mine");
    expect(problems).toEqual([]);
  });

  test("a mistake shows on its node and in the list, which leads there; mended, it is gone", async () => {
    await using opened = await editor.open();
    const { page, problems } = opened;
    await onCanvas(page, flow("broken"));
    await node(page, "sum").locator(".node-header").click();
    await page.getByRole("button", { name: "Clear the value of y" }).click();
    await node(page, "sum")
      .getByRole("button", { name: /1 problem: .*needs its input "y"/ })
      .waitFor();
    expect(await problemsOf(page)).toEqual(["MISSING_INPUT"]);
    await page.keyboard.press("Escape");
    await page.getByRole("list", { name: "Problems" }).getByRole("button").first().click();
    await page.getByRole("textbox", { name: "Value of y" }).fill("two");
    await page.getByText("This is no number").waitFor();
    await page.getByRole("textbox", { name: "Value of y" }).fill("2");
    await expect.poll(() => problemsOf(page)).toEqual([]);
    expect(problems).toEqual([]);
  });
});
