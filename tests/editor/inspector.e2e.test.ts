/** What is set up in the inspector is what the flow file says: literals, config, policy, START's inputs, variables. */
import type { Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { describeInBrowser, type Editor, startEditor } from "./browser.ts";
import { type Drawn, exported, onCanvas, problemsOf, wiresOf } from "./edit-page.ts";
import { node } from "./run-page.ts";

const at = (id: string, type: string, x: number, data = {}) => ({ id, type, position: { x, y: 0 }, data });
const flow = {
  metadata: { name: "setup" },
  variables: { total: 0 },
  flow: {
    nodes: [
      at("start", "start", 0, { config: { api_schema: { a: { type: "int", required: true } } } }),
      at("pick", "logic_switch", 220, { config: { cases: ["red"], mine: true } }),
      at("call", "io_http_request", 440),
      at("get", "variables_get", 660, { config: { variable_name: "total" } }),
      at("ret", "return", 880),
    ],
    edges: [
      { id: "e1", source: "start", sourceHandle: "exec-out", target: "pick", targetHandle: "exec-in" },
      { id: "e2", source: "start", sourceHandle: "output-a", target: "pick", targetHandle: "input-value" },
      { id: "e3", source: "pick", sourceHandle: "exec-case_0", target: "call", targetHandle: "exec-in" },
      { id: "e4", source: "pick", sourceHandle: "exec-default", target: "ret", targetHandle: "exec-in" },
      { id: "e5", source: "call", sourceHandle: "exec-out", target: "ret", targetHandle: "exec-in" },
    ],
  },
};

async function dataOf(page: Page, id: string): Promise<Drawn["flow"]["nodes"][number]["data"]> {
  return (await exported(page)).flow.nodes.find((one) => one.id === id)?.data ?? {};
}

describeInBrowser("the inspector", () => {
  let editor: Editor;

  beforeAll(async () => {
    editor = await startEditor();
  });
  afterAll(() => editor?.[Symbol.asyncDispose]());

  test("a config is filled in by its form; defaults stay unwritten, unknown keys stay", async () => {
    await using opened = await editor.open();
    const { page, problems } = opened;
    await onCanvas(page, flow);
    await node(page, "call").locator(".node-header").click();
    await page.getByRole("textbox", { name: "url" }).fill("http://127.0.0.1:1/");
    await page.getByRole("combobox", { name: "method" }).selectOption("POST");
    await page.getByRole("textbox", { name: "timeout" }).fill("5s");
    await page.getByRole("checkbox", { name: "fail_on_status" }).uncheck();
    await expect
      .poll(async () => (await dataOf(page, "call")).config)
      .toEqual({ url: "http://127.0.0.1:1/", method: "POST", timeout: "5s", fail_on_status: false });

    await node(page, "pick").locator(".node-header").click();
    await page.getByRole("button", { name: "Add an entry" }).click();
    const kinds = page.locator(".rjsf .any-field select");
    await expect.poll(() => kinds.count()).toBe(2);
    await kinds.last().selectOption("float");
    await page.locator(".rjsf .any-field input").last().fill("7");
    await expect.poll(async () => (await dataOf(page, "pick")).config).toEqual({ cases: ["red", 7], mine: true });
    // A case more is a pin more.
    await node(page, "pick").getByText("case_1").waitFor();
    expect(problems).toEqual([]);
  });

  test("a policy is written as far as it is set, and what makes no sense is refused", async () => {
    await using opened = await editor.open();
    const { page, problems } = opened;
    await onCanvas(page, flow);
    await node(page, "call").locator(".node-header").click();
    await page.getByText("Policy", { exact: true }).click();
    await page.getByRole("textbox", { name: "Attempts", exact: true }).fill("4");
    await page.getByRole("textbox", { name: "Wait before the second" }).fill("250ms");
    await page.getByRole("textbox", { name: "Timeout of an attempt" }).fill("soon");
    await page.getByText("A time is a number and ms, s, m, h or d: 30s").waitFor();
    await page.getByRole("textbox", { name: "Timeout of an attempt" }).fill("10");
    await page.getByRole("combobox", { name: "When it fails" }).selectOption("continue");
    await expect
      .poll(async () => (await dataOf(page, "call")).policy)
      .toEqual({ retry: { max_attempts: 4, initial_interval: "250ms" }, timeout: 10, on_error: "continue" });
    await page.getByRole("textbox", { name: "Attempts", exact: true }).fill("");
    await page.getByRole("textbox", { name: "Timeout of an attempt" }).fill("");
    await page.getByRole("combobox", { name: "When it fails" }).selectOption("");
    await expect.poll(async () => (await dataOf(page, "call")).policy).toBeUndefined();
    expect(problems).toEqual([]);
  });

  test("START's inputs are declared; a renamed one keeps its wires", async () => {
    await using opened = await editor.open();
    const { page, problems } = opened;
    await onCanvas(page, flow);
    await node(page, "start").locator(".node-header").click();
    await page.getByRole("textbox", { name: "Name of input a" }).fill("colour");
    await page.getByRole("combobox", { name: "Type of colour" }).fill("str");
    await page.getByRole("button", { name: "Add an input" }).click();
    await page.getByRole("combobox", { name: "Type of input", exact: true }).fill("list[int]");
    await page.getByRole("checkbox", { name: "Required" }).last().uncheck();
    await page.getByRole("textbox", { name: "Default of input" }).fill("[1, 2]");
    await expect
      .poll(async () => (await dataOf(page, "start")).config)
      .toEqual({
        api_schema: { colour: { type: "str", required: true }, input: { type: "list[int]", default: [1, 2] } },
      });
    expect(wiresOf(await exported(page))).toContain("start output-colour > pick input-value");
    expect(problems).toEqual([]);
  });

  test("RETURN gets inputs by name, a node another id, the flow variables and what it does on errors", async () => {
    await using opened = await editor.open();
    const { page, problems } = opened;
    await onCanvas(page, flow);
    await node(page, "ret").locator(".node-header").click();
    await page.getByRole("textbox", { name: "Name of a new input" }).fill("answer");
    await page.keyboard.press("Enter");
    await page.getByRole("combobox", { name: "Kind of Value of answer" }).selectOption("float");
    await page.getByRole("textbox", { name: "Value of answer" }).fill("42");
    await page
      .getByRole("textbox", { name: "status_code" })
      .or(page.getByRole("spinbutton", { name: "status_code" }))
      .fill("201");
    await expect
      .poll(() => dataOf(page, "ret"))
      .toMatchObject({ constantValues: { answer: 42 }, config: { status_code: 201 } });
    await page.getByRole("textbox", { name: "Id" }).fill("done");
    await page.keyboard.press("Enter");
    await expect.poll(async () => wiresOf(await exported(page))).toContain("pick exec-default > done exec-in");

    await page.getByRole("tab", { name: "Variables" }).click();
    await page.getByRole("textbox", { name: "Name of a new variable", exact: true }).fill("seen");
    await page.keyboard.press("Enter");
    await page.getByRole("combobox", { name: "Kind of First value of seen" }).selectOption("json");
    await page.getByRole("textbox", { name: "First value of seen" }).fill('["a"]');
    await page.getByRole("tab", { name: "Flow", exact: true }).click();
    await page.getByRole("combobox", { name: "Error strategy" }).selectOption("pause");
    await expect
      .poll(() => exported(page))
      .toMatchObject({ variables: { total: 0, seen: ["a"] }, error_strategy: "pause" });

    // Stored variables are the server's own.
    await page.getByRole("tab", { name: "Variables" }).click();
    await page.getByRole("textbox", { name: "Name of a new variable, Global" }).fill("rate");
    await page.keyboard.press("Enter");
    await page.getByRole("combobox", { name: "Kind of Value of rate" }).selectOption("float");
    await page.getByRole("textbox", { name: "Value of rate" }).fill("1.5");
    await page.getByRole("button", { name: "Set", exact: true }).click();
    await expect
      .poll(async () => (await fetch(`${editor.url}/api/variables/global/rate`)).json())
      .toMatchObject({ value: 1.5 });
    expect(await problemsOf(page)).not.toContain("UNKNOWN_NODE");
    expect(problems).toEqual([]);
  });
});
