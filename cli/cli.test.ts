/** The parts of the command that need no server. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { RayflowError } from "../flow/index.ts";
import { claimDevFolder, readDevState } from "./dev-folder.ts";
import { readEnvironment } from "./environment.ts";
import { exitCodeFor } from "./exit-codes.ts";
import { reportFailure } from "./failure.ts";
import { formatOf, type Output, table } from "./output.ts";
import { secondsOption, wholeNumber } from "./stack-options.ts";

describe("readEnvironment", () => {
  it("takes an empty variable for none", () => {
    expect(readEnvironment({ NATS_URL: " ", NO_COLOR: "" })).toMatchObject({ NO_COLOR: false });
    expect(readEnvironment({ NATS_URL: "" }).NATS_URL).toBeUndefined();
  });

  it("names the variable that is off", () => {
    expect(() => readEnvironment({ RAYFLOW_LOG_LEVEL: "loud" })).toThrow(/RAYFLOW_LOG_LEVEL/);
  });
});

describe("formatOf", () => {
  it.each([
    [["run", "x"], "table"],
    [["run", "x", "--json"], "json"],
    [["-o", "jsonl", "run"], "jsonl"],
    [["run", "--output=json"], "json"],
    [["run", "-ojson"], "json"],
    [["run", "-o", "yaml"], "table"],
    [["run", "--", "--json"], "table"],
  ])("%j is %s, before anything is parsed", (args, format) => {
    expect(formatOf(args)).toBe(format);
  });
});

describe("exitCodeFor", () => {
  it.each([
    ["UsageError", 2],
    ["InvalidFlow", 2],
    ["ConnectionFailed", 3],
    ["ServerMissing", 3],
    ["RunTimeout", 4],
    ["Interrupted", 130],
    ["PayloadTooLarge", 1],
    ["constructor", 1],
  ])("%s is %i", (code, exit) => {
    expect(exitCodeFor(code)).toBe(exit);
  });
});

describe("reportFailure", () => {
  const said = { json: vi.fn(), print: vi.fn(), note: vi.fn() };
  const output = (format: Output["format"]): Output => ({ format, color: false, ...said });
  beforeEach(() => {
    for (const spy of Object.values(said)) spy.mockClear();
  });

  it("prints an invalid flow as validate does", () => {
    const details = { errors: [{ code: "NO_START", message: "m" }], warnings: [] };
    expect(reportFailure(new RayflowError("InvalidFlow", "one error", { details }), output("json"), false)).toBe(2);
    expect(said.json.mock.calls).toEqual([[{ valid: false, ...details }]]);
  });

  it("gives the help of the code, and nothing on stdout", () => {
    expect(reportFailure(new RayflowError("ConnectionFailed", "nobody there"), output("table"), false)).toBe(3);
    expect(said.note.mock.calls.flat().join("\n")).toMatch(/ConnectionFailed: nobody there\n.*NATS_URL/);
    expect(said.json).not.toHaveBeenCalled();
    expect(said.print).not.toHaveBeenCalled();
  });

  it("calls what nobody foresaw a defect, and shows its stack only when asked", () => {
    expect(reportFailure(new TypeError("x is not a function"), output("table"), false)).toBe(1);
    expect(said.note.mock.calls.flat().join("\n")).toMatch(/InternalError: x is not a function\n.*defect/);
    expect(said.note.mock.calls.flat().join("\n")).not.toMatch(/\n {4}at /);
    reportFailure(new TypeError("again"), output("table"), true);
    expect(said.note.mock.calls.flat().join("\n")).toMatch(/\n {4}at /);
  });

  it("names the run where there is one", () => {
    const thrown = new RayflowError("RunTimeout", "too late", { details: { run_id: "r1" } });
    expect(reportFailure(thrown, output("json"), false)).toBe(4);
    expect(said.json.mock.calls[0]?.[0]).toMatchObject({ run_id: "r1", success: false, error: { code: "RunTimeout" } });
  });
});

describe("table", () => {
  it("aligns columns and leaves no blanks at the ends of lines", async () => {
    const lines = (
      await table(
        ["A", "B"],
        [
          ["long one", ""],
          ["x", "y"],
        ],
      )
    ).split("\n");
    expect(lines).toEqual(["A         B", "long one", "x         y"]);
  });
});

describe("option parsers", () => {
  it("take numbers within their bounds", () => {
    expect(wholeNumber("--port", 1, 10)("7")).toBe(7);
    expect(secondsOption("--timeout")("0.5")).toBe(500);
  });

  it.each(["", " ", "x", "0", "11", "1.5", "NaN", "1e9"])("refuse %j", (text) => {
    expect(() => wholeNumber("--port", 1, 10)(text)).toThrow(/--port/);
  });

  it.each(["", "0", "-1", "soon", "Infinity", "3000000"])("refuse a time of %j", (text) => {
    expect(() => secondsOption("--timeout")(text)).toThrow(/--timeout/);
  });
});

describe("claimDevFolder", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), "rayflow-claim-"));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it("gives the folder to one, until it is released", () => {
    const first = claimDevFolder(folder);
    expect(claimDevFolder(folder)).toBeUndefined();
    first?.publish("nats://127.0.0.1:1234");
    expect(readDevState(folder)).toEqual({ pid: process.pid, url: "nats://127.0.0.1:1234" });
    first?.release();
    expect(readDevState(folder)).toBeUndefined();
    expect(claimDevFolder(folder)).toBeDefined();
  });
});
