/** `rayflow run`: what it prints where, and what it exits with. */
import { writeFileSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { descendantsOf, isRunning, rayflow, root, startDev, startRayflow, temporaryFolder } from "./rayflow-process.ts";

const sum = path.join(root, "examples", "flows", "sum.json");
const inputs = '{"x": 5, "y": 3}';
const nowhere = "nats://127.0.0.1:1";

let dev: Awaited<ReturnType<typeof startDev>>;
const scratch = temporaryFolder();
beforeAll(async () => {
  dev = await startDev();
});
afterAll(async () => {
  await dev.stop();
  scratch.remove();
});

/** Flow whose one node is of a type that nobody serves, once its type is known. */
const run = (...args: string[]) => rayflow(["run", ...args], { cwd: scratch.path });

describe("rayflow run", () => {
  it("prints the result and exits with 0", async () => {
    const { code, stdout } = await run(sum, "--input", inputs, "--json", "--server", dev.url);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      success: true,
      status: "succeeded",
      return: "success",
      status_code: 200,
      result: { sum: 8 },
      error: null,
      statistics: { nodes_failed: 0 },
    });
  });

  it("takes the flow from standard input and the inputs from a file", async () => {
    const file = path.join(scratch.path, "inputs.json");
    writeFileSync(file, inputs);
    const flow = JSON.stringify({
      nodes: [
        { id: "start", type: "start", config: { api_schema: { x: { type: "int" }, y: { type: "int" } } } },
        { id: "return", type: "return", config: { name: "done" } },
      ],
      edges: [
        { id: "e1", source: "start", target: "return", sourceHandle: "exec-out", targetHandle: "exec-in" },
        { id: "e2", source: "start", target: "return", sourceHandle: "output-y", targetHandle: "input-y" },
      ],
    });
    const { stdout } = await rayflow(["run", "-", "--input-file", file, "--json", "--server", dev.url], {
      input: flow,
    });
    expect(JSON.parse(stdout)).toMatchObject({ return: "done", result: { y: 3 } });
  });

  it("gives a failed run as a result and exits with 1", async () => {
    const { code, stdout } = await run(sum, "--input", '{"x": "five", "y": 3}', "--json", "--server", dev.url);
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({ success: false, error: { code: "ValidationError" } });
  });

  it("runs once for the same message id", async () => {
    const args = [sum, "--input", inputs, "--msg-id", "order-7", "--json", "--server", dev.url];
    const first = JSON.parse((await run(...args)).stdout);
    const second = JSON.parse((await run(...args)).stdout);
    expect(second).toEqual(first);
  });

  it("shows each node with --debug, on stderr", async () => {
    const { stdout, stderr } = await run(sum, "--input", inputs, "--debug", "--json", "--server", dev.url);
    expect(JSON.parse(stdout)).toMatchObject({ success: true });
    expect(stderr).toMatch(/math_add/);
  });

  it("prints the run's id with --detach and does not wait", async () => {
    const { code, stdout } = await run(sum, "--input", inputs, "--detach", "--server", dev.url);
    expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringMatching(/^r[0-9a-v]{25}\n$/) });
  });

  it("refuses a flow that is larger than a message, before it sends it", async () => {
    const file = path.join(scratch.path, "large.json");
    writeFileSync(file, JSON.stringify({ nodes: [], edges: [], description: "x".repeat(2 << 20) }));
    const { code, stdout } = await run(file, "--json", "--server", dev.url);
    expect(code).toBe(1);
    expect(JSON.parse(stdout).error).toMatchObject({ code: "PayloadTooLarge", message: expect.stringMatching(/KiB/) });
  });

  it.each([
    ["inputs that are no JSON", [sum, "--input", '{"x": 5,,}'], 2, "UsageError", /line 1, column 9/],
    ["inputs that are no object", [sum, "--input", "[1]"], 2, "UsageError", /object/],
    ["a file that is not there", ["nothing.json"], 2, "UsageError", /no such file/],
    ["an option that is unknown", [sum, "--inptu", "{}"], 2, "UsageError", /--inptu/],
    ["a timeout that is no number", [sum, "--timeout", "soon"], 2, "UsageError", /--timeout/],
    ["no flow at all", [], 2, "UsageError", /flow/],
    ["a server that does not answer", [sum, "--server", nowhere], 3, "ConnectionFailed", /127\.0\.0\.1:1/],
  ])("with --json prints one JSON value for %s", async (_, args, exit, code, message) => {
    const [outcome, plain] = await Promise.all([run(...args, "--json"), run(...args)]);
    expect(outcome.code, outcome.stderr).toBe(exit);
    expect(JSON.parse(outcome.stdout)).toMatchObject({
      success: false,
      error: { code, message: expect.stringMatching(message) },
    });
    expect({ code: plain.code, stdout: plain.stdout }).toEqual({ code: exit, stdout: "" });
    expect(plain.stderr).toMatch(message);
    expect(plain.stderr, "no stack").not.toMatch(/^ {4}at /m);
  });
});

describe("rayflow run without a server", () => {
  it("starts one for the call, and leaves nothing behind", async () => {
    const command = startRayflow(["run", sum, "--input", inputs, "--json", "--local", "--debug"], {
      cwd: scratch.path,
    });
    await command.until(/math_add/);
    const started = descendantsOf(command.child.pid ?? 0);
    const { code, stdout, stderr } = await command.ended;
    expect(code, stderr).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ success: true, result: { sum: 8 } });
    await expect.poll(() => started.filter(isRunning)).toEqual([]);
  });
});
