/** Drawing in a real browser: from nothing to a saved flow, with the mouse and with the keyboard. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { describeInBrowser, type Editor, startEditor } from "./browser.ts";
import {
  canvas,
  drag,
  dropFromLibrary,
  expectIds,
  exported,
  importText,
  input,
  leaveUnsaved,
  middle,
  onCanvas,
  output,
  problemsOf,
  spot,
  wires,
  wiresOf,
} from "./edit-page.ts";
import { closeResult, node, run } from "./run-page.ts";

describeInBrowser("drawing in the editor", () => {
  let editor: Editor;

  beforeAll(async () => {
    editor = await startEditor();
  });
  afterAll(() => editor?.[Symbol.asyncDispose]());

  test("a flow is drawn from nothing, checked, run, saved, and there after a reload", async () => {
    await using opened = await editor.open();
    const { page, problems } = opened;
    await page.getByRole("heading", { name: "Draw your first flow" }).waitFor();
    await page.getByRole("textbox", { name: "Name of the flow" }).fill("drawn");
    await page.keyboard.press("Enter");

    await dropFromLibrary(page, "start", await spot(page, 120, 200));
    await dropFromLibrary(page, "return", await spot(page, 620, 200));
    // A double-click adds it in the middle of what is seen.
    await page.getByRole("button", { name: "Add Multiply" }).dblclick();
    await expectIds(page, "start", "return", "multiply");
    await expect.poll(() => problemsOf(page)).toContain("MISSING_INPUT");
    await page.getByRole("button", { name: "Close the panel" }).click();

    await drag(page, output(page, "start", "exec-out"), input(page, "multiply", "exec-in"));
    await drag(page, output(page, "multiply", "exec-out"), input(page, "return", "exec-in"));
    // START's "add pin" declares an input of the type that is wanted; RETURN's takes the source's name.
    await drag(page, output(page, "start", "output-+"), input(page, "multiply", "input-x"));
    await drag(page, output(page, "multiply", "output-result"), input(page, "return", "input-+"));
    await node(page, "multiply").locator(".node-header").click();
    await page.getByRole("textbox", { name: "Value of y" }).fill("2.5");
    await page.keyboard.press("Tab");
    await expect.poll(() => problemsOf(page)).toEqual([]);
    await page.getByRole("button", { name: "Close the panel" }).click();

    const drawn = await exported(page);
    expect(wiresOf(drawn)).toEqual([
      "multiply exec-out > return exec-in",
      "multiply output-result > return input-result",
      "start exec-out > multiply exec-in",
      "start output-x > multiply input-x",
    ]);
    expect(drawn.flow.nodes.find(({ id }) => id === "start")?.data.config).toEqual({
      api_schema: { x: { type: "float", required: true } },
    });
    expect(drawn.flow.nodes.find(({ id }) => id === "multiply")?.data.constantValues).toEqual({ y: 2.5 });

    await run(page, { x: "4" });
    expect(await closeResult(page)).toMatch(/result:? 10 /);

    await page.keyboard.press("Control+S");
    await page.getByText("Saved drawn").waitFor();
    expect(new URL(page.url()).hash).toBe("#/flow/drawn");
    await page.reload();
    await expectIds(page, "start", "return", "multiply");
    expect((await exported(page)).flow).toEqual(drawn.flow);
    expect(problems).toEqual([]);
  });

  test("a wire that may not be drawn is refused, with the reason", async () => {
    await using opened = await editor.open();
    const { page, problems } = opened;
    await onCanvas(page, sketch);
    const cases = [
      ["sum", "output-result", "up", "input-text", /"result" is float, "text" takes str: put To str in between/],
      ["start", "exec-out", "up", "input-text", /takes data/],
      ["up", "exec-out", "sum", "exec-in", /circle: use a loop/],
      ["up", "output-result", "ret", "exec-in", /ends on a circle/],
    ] as const;
    const before = await wires(page).count();
    for (const [from, fromPin, to, toPin, reason] of cases) {
      const start = await middle(output(page, from, fromPin));
      const end = await middle(input(page, to, toPin));
      await page.mouse.move(start.x, start.y);
      await page.mouse.down();
      await page.mouse.move((start.x + end.x) / 2, start.y + 30, { steps: 3 });
      await page.mouse.move(end.x, end.y, { steps: 3 });
      // The reason is beside the pointer while it is drawn, and stays for a while when it is dropped.
      await page.locator(".wire-reason").filter({ hasText: reason }).waitFor();
      await page.mouse.up();
      await page.locator(".toast").filter({ hasText: reason }).waitFor();
    }
    expect(await wires(page).count()).toBe(before);
    expect(problems).toEqual([]);
  });

  test("a data input keeps one wire: the new one takes the old one's place", async () => {
    await using opened = await editor.open();
    const { page } = opened;
    await onCanvas(page, sketch);
    await drag(page, output(page, "start", "output-b"), input(page, "sum", "input-x"));
    await expect.poll(async () => wiresOf(await exported(page))).toContain("start output-b > sum input-x");
    expect(wiresOf(await exported(page))).not.toContain("start output-a > sum input-x");
    // A wire's end is moved to another pin by dragging it, just before the pin.
    const end = await middle(input(page, "sum", "input-x"));
    await page.mouse.move(end.x - 18, end.y);
    await page.mouse.down();
    const to = await middle(input(page, "sum", "input-y"));
    await page.mouse.move(end.x - 30, (end.y + to.y) / 2, { steps: 4 });
    await page.mouse.move(to.x, to.y, { steps: 4 });
    await page.mouse.up();
    await expect.poll(async () => wiresOf(await exported(page))).toContain("start output-b > sum input-y");
    expect((await exported(page)).flow.edges.filter((edge) => edge.targetHandle === "input-x")).toEqual([]);
  });

  test("a wire dropped on the empty canvas asks for a node that fits, and connects it", async () => {
    await using opened = await editor.open();
    const { page, problems } = opened;
    await onCanvas(page, sketch);
    await drag(page, output(page, "sum", "output-result"), await spot(page, 420, 60));
    const search = page.getByRole("dialog", { name: "Add a node" });
    await search.getByRole("combobox").fill("upper");
    // A float does not go into a text.
    expect(await search.getByRole("option", { name: /^Upper/ }).count()).toBe(0);
    await search.getByRole("combobox").fill("round");
    await page.keyboard.press("Enter");
    await node(page, "round").waitFor();
    expect(wiresOf(await exported(page))).toContain("sum output-result > round input-x");
    expect(problems).toEqual([]);
  });

  test("an entry of the library dropped on a wire goes in between", async () => {
    await using opened = await editor.open();
    const { page, problems } = opened;
    await onCanvas(page, sketch);
    const from = await middle(output(page, "sum", "exec-out"));
    const to = await middle(input(page, "up", "exec-in"));
    await dropFromLibrary(page, "base_debug", { x: (from.x + to.x) / 2, y: (from.y + to.y) / 2 });
    await node(page, "debug").waitFor();
    const drawn = wiresOf(await exported(page));
    expect(drawn).toContain("sum exec-out > debug exec-in");
    expect(drawn).toContain("debug exec-out > up exec-in");
    expect(drawn).not.toContain("sum exec-out > up exec-in");
    expect(problems).toEqual([]);
  });

  test("undo and redo go through every step, a drag being one of them", async () => {
    await using opened = await editor.open();
    const { page, problems } = opened;
    await onCanvas(page, sketch);
    const first = await exported(page);
    const header = node(page, "up").locator(".node-header");
    const at = await middle(header);
    await page.mouse.move(at.x, at.y);
    await page.mouse.down();
    await page.mouse.move(at.x + 80, at.y + 60, { steps: 8 });
    await page.mouse.up();
    const moved = await exported(page);
    expect(moved.flow.nodes).not.toEqual(first.flow.nodes);
    await page.getByRole("textbox", { name: "Label" }).fill("Shout");
    await page.keyboard.press("Tab");
    await header.click();
    await page.keyboard.press("Delete");
    await expectIds(page, "start", "sum", "ret");
    const last = await exported(page);

    await page.keyboard.press("Control+Z");
    await node(page, "up").getByText("Shout").waitFor();
    await page.keyboard.press("Control+Z");
    await expect.poll(async () => (await exported(page)).flow).toEqual(moved.flow);
    await page.keyboard.press("Control+Z");
    await expect.poll(async () => (await exported(page)).flow).toEqual(first.flow);
    expect(await page.getByRole("button", { name: /^Undo/ }).isDisabled()).toBe(true);
    for (let step = 0; step < 3; step++) await page.keyboard.press("Control+Shift+Z");
    await expect.poll(async () => (await exported(page)).flow).toEqual(last.flow);
    expect(problems).toEqual([]);
  });

  test("copy and paste carry nodes with their wires, as flow JSON, to another page", async () => {
    await using opened = await editor.open();
    const { page, problems } = opened;
    await onCanvas(page, sketch);
    await node(page, "sum").locator(".node-header").click();
    await node(page, "up")
      .locator(".node-header")
      .click({ modifiers: ["Shift"] });
    await page.keyboard.press("Control+C");
    await page.keyboard.press("Control+V");
    await expectIds(page, "start", "sum", "up", "ret", "sum_2", "up_2");
    expect(wiresOf(await exported(page))).toContain("sum_2 exec-out > up_2 exec-in");
    await page.keyboard.press("Control+D");
    await expectIds(page, "start", "sum", "up", "ret", "sum_2", "up_2", "sum_3", "up_3");
    await page.keyboard.press("Control+Z");
    await page.keyboard.press("Control+Z");
    await expectIds(page, "start", "sum", "up", "ret");

    const text = await page.evaluate<string>("navigator.clipboard.readText()");
    expect(Object.keys(JSON.parse(text))).toContain("flow");
    await using second = await editor.open();
    await second.page.locator(".palette-entry").first().waitFor();
    await second.page.evaluate(`navigator.clipboard.writeText(${JSON.stringify(text)})`);
    await canvas(second.page).hover({ position: { x: 300, y: 120 } });
    await second.page.keyboard.press("Control+V");
    await expectIds(second.page, "sum", "up");
    await second.page.keyboard.press("Control+A");
    await second.page.keyboard.press("Control+X");
    await expectIds(second.page);
    expect([...problems, ...second.problems]).toEqual([]);
  });

  test("a flow is drawn with the keyboard alone", async () => {
    await using opened = await editor.open();
    const { page, problems } = opened;
    await page.locator(".palette-entry").first().waitFor();
    for (const word of ["start", "return"]) {
      await page.keyboard.press("a");
      await page.getByRole("combobox", { name: "Search nodes" }).fill(word);
      await page.keyboard.press("Enter");
    }
    await expectIds(page, "start", "return");
    // Tab goes to the nodes; Enter selects, C connects.
    await node(page, "start").focus();
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: "Start" }).waitFor();
    await node(page, "start").focus();
    await page.keyboard.press("c");
    await page.getByRole("combobox", { name: "Pin of this node" }).fill("exec");
    await page.keyboard.press("Enter");
    await page.getByRole("combobox", { name: "What it connects to" }).fill("new debug");
    await page.keyboard.press("Enter");
    await expectIds(page, "start", "return", "debug");
    await node(page, "debug").focus();
    await page.keyboard.press("c");
    await page.getByRole("combobox", { name: "Pin of this node" }).fill("exec output");
    await page.keyboard.press("Enter");
    await page.getByRole("combobox", { name: "What it connects to" }).fill("return exec");
    await page.keyboard.press("Enter");
    await expect
      .poll(async () => wiresOf(await exported(page)))
      .toEqual(["debug exec-out > return exec-in", "start exec-out > debug exec-in"]);

    const before = (await exported(page)).flow.nodes.find(({ id }) => id === "debug")?.position;
    await node(page, "debug").focus();
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("ArrowDown");
    const after = (await exported(page)).flow.nodes.find(({ id }) => id === "debug")?.position;
    expect((after?.y ?? 0) - (before?.y ?? 0)).toBeGreaterThan(0);
    expect(after?.x).toBe(before?.x);
    await page.keyboard.press("?");
    await page.getByRole("dialog", { name: "Keys and gestures" }).waitFor();
    await page.keyboard.press("Escape");
    await page.getByRole("dialog").waitFor({ state: "detached" });
    expect(problems).toEqual([]);
  });

  test("every control has a name that can be read aloud", async () => {
    await using opened = await editor.open();
    const { page } = opened;
    await onCanvas(page, sketch);
    const nameless = async () => {
      const session = await page.context().newCDPSession(page);
      const { nodes } = await session.send("Accessibility.getFullAXTree");
      await session.detach();
      const controls = new Set(["button", "textbox", "combobox", "checkbox", "radio", "tab", "searchbox", "link"]);
      return nodes
        .filter(({ role, ignored }) => ignored !== true && controls.has(String(role?.value)))
        .filter(({ name }) => String(name?.value ?? "").trim() === "")
        .map(({ role, nodeId }) => `${role?.value} ${nodeId}`);
    };
    expect(await nameless()).toEqual([]);
    for (const id of ["start", "sum", "ret"]) {
      await node(page, id).locator(".node-header").click();
      await page.getByText("Documentation").click();
      if (id !== "start" && id !== "ret") await page.getByText("Policy").click();
      expect(await nameless()).toEqual([]);
    }
    for (const tab of ["Variables", "Flow"]) {
      await page.getByRole("tab", { name: tab, exact: true }).click();
      expect(await nameless()).toEqual([]);
    }
    for (const dialog of ["Flows", "Settings", "Import a flow", "New flow", /^Keys and gestures/]) {
      await page.getByRole("button", { name: dialog }).first().click();
      await page.getByRole("dialog").waitFor();
      expect(await nameless()).toEqual([]);
      await page.keyboard.press("Escape");
      await page.getByRole("dialog").waitFor({ state: "detached" });
    }
  });

  test("files of all three shapes are imported, and what is no flow is refused", async () => {
    await using opened = await editor.open();
    const { page, problems } = opened;
    await onCanvas(page, sketch);
    const first = wiresOf(await exported(page));
    const nodes = sketch.flow.nodes;
    const connections = sketch.flow.edges.map((edge) =>
      edge.sourceHandle === "exec-out"
        ? { from: edge.source, fromExec: "finish", to: edge.target, toExec: "exec" }
        : {
            from: edge.source,
            fromOutput: edge.sourceHandle.slice("output-".length),
            to: edge.target,
            toInput: edge.targetHandle.slice("input-".length),
          },
    );
    for (const shape of [
      { nodes, edges: sketch.flow.edges },
      { name: "old", nodes, connections },
    ]) {
      await importText(page, shape);
      await leaveUnsaved(page);
      await page
        .getByText(/^Imported 4 nodes/)
        .last()
        .waitFor();
      expect(wiresOf(await exported(page))).toEqual(first);
    }
    // A file that is dropped on the canvas; it names no flow, so it is called as the file.
    const data = await page.evaluateHandle(`(() => {
      const data = new DataTransfer();
      data.items.add(new File([${JSON.stringify(JSON.stringify({ nodes, edges: sketch.flow.edges }))}], "my flow.json"));
      return data;
    })()`);
    await canvas(page).dispatchEvent("drop", { dataTransfer: data });
    await leaveUnsaved(page);
    await page.getByText("Imported 4 nodes as my_flow").waitFor();
    await importText(page, '{"a": 1}');
    await page
      .locator(".toast")
      .filter({ hasText: /no flow/ })
      .waitFor();
    await page.keyboard.press("Escape");
    expect(wiresOf(await exported(page))).toEqual(first);
    expect(problems).toEqual([]);
  });
});

/** START, an Add, an Upper, RETURN; wired by exec, and START's `a` to the sum. */
const sketch = {
  metadata: { name: "sketch" },
  variables: {},
  flow: {
    nodes: [
      {
        id: "start",
        type: "start",
        position: { x: 0, y: 0 },
        data: { config: { api_schema: { a: { type: "float" }, b: { type: "float" }, t: { type: "str" } } } },
      },
      { id: "sum", type: "math_add", position: { x: 260, y: 120 }, data: { constantValues: { y: 1 } } },
      { id: "up", type: "string_upper", position: { x: 520, y: 120 }, data: {} },
      { id: "ret", type: "return", position: { x: 780, y: 0 }, data: {} },
    ],
    edges: [
      { id: "e1", source: "start", sourceHandle: "exec-out", target: "sum", targetHandle: "exec-in" },
      { id: "e2", source: "sum", sourceHandle: "exec-out", target: "up", targetHandle: "exec-in" },
      { id: "e3", source: "up", sourceHandle: "exec-out", target: "ret", targetHandle: "exec-in" },
      { id: "e4", source: "start", sourceHandle: "output-a", target: "sum", targetHandle: "input-x" },
      { id: "e5", source: "start", sourceHandle: "output-t", target: "up", targetHandle: "input-text" },
    ],
  },
};
