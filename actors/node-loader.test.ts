import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { builtinNodes } from "../nodes/index.ts";
import { findNodeFiles } from "./node-files.ts";
import { loadNodes } from "./node-loader.ts";
import { fakeContext } from "./testing.ts";

const nodesDir = join(dirname(dirname(fileURLToPath(import.meta.url))), "nodes");
let base: string;
let made = 0;

beforeAll(async () => {
  base = await mkdtemp(join(tmpdir(), "rayflow-loader-"));
});
afterAll(() => rm(base, { recursive: true, force: true }));

/** A folder outside of any package, with these files. */
async function folder(files: Record<string, string>): Promise<string> {
  made += 1;
  const dir = join(base, `dir${made}`);
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(dir, name)), { recursive: true });
    await writeFile(join(dir, name), text);
  }
  return dir;
}

const node = (type: string, result = "1") => `
import { defineNode, float } from "rayflow";
export default defineNode({
  type: "${type}", title: "T", category: "my",
  inputs: { x: float().default(1) }, outputs: { y: float() },
  run: ({ inputs }) => ({ y: inputs.x * ${result} }),
});`;

describe("built-in nodes", () => {
  it("the index lists every file of the folder, under its path", async () => {
    const files = await findNodeFiles(nodesDir);
    expect(Object.keys(builtinNodes).sort()).toEqual(files.map(({ name }) => name));
  });

  it("every type is named for its file", () => {
    for (const [path, { nodeType }] of Object.entries(builtinNodes)) {
      const [category, name] = path.split("/");
      expect(nodeType.type).toBe(["start", "return"].includes(name ?? "") ? name : `${category}_${name}`);
      expect(nodeType.category).toBe(category);
    }
  });

  it("all are loaded without a user's folder", async () => {
    const { nodes, problems, notes } = await loadNodes();
    expect(nodes.size).toBe(Object.keys(builtinNodes).length);
    expect(nodes.get("math_add")?.source).toEqual({ from: "builtin", file: "math/add" });
    expect([problems, notes]).toEqual([[], []]);
  });
});

describe("a user's nodes", () => {
  it("TypeScript runs without a build step, importing rayflow and zod from nowhere", async () => {
    const dir = await folder({
      "my/double.ts": `
import { defineNode, RayflowError, take } from "rayflow";
import { z } from "zod";
import { factor } from "./_factor.ts";
enum Pin { Small = "small", Big = "big" }
export default defineNode({
  type: "my_double", title: "Double", category: "my",
  inputs: { x: z.number() }, outputs: { y: z.number() },
  exec: [Pin.Small, Pin.Big],
  run({ inputs }: { inputs: { x: number } }) {
    if (inputs.x < 0) throw new RayflowError("Negative", "below zero", { retryable: false });
    return take(inputs.x < 10 ? Pin.Small : Pin.Big, { y: inputs.x * factor });
  },
});`,
      "my/_factor.ts": "export const factor: number = 2;",
    });
    const { nodes, problems } = await loadNodes({ userDirs: [dir] });
    expect(problems).toEqual([]);
    const double = nodes.get("my_double");
    expect(double?.source).toEqual({ from: "user", file: join(dir, "my/double.ts") });
    expect(await double?.execute?.({ x: 4 }, {}, fakeContext())).toEqual({ outputs: { y: 8 }, exec: ["small"] });
    await expect(double?.execute?.({ x: -4 }, {}, fakeContext())).rejects.toMatchObject({
      code: "Negative",
      retryable: false,
    });
  });

  it("plain JavaScript does too, flat or three levels deep", async () => {
    const dir = await folder({
      "flat.js": node("my_flat", "2"),
      "a/b/deep.mjs": node("my_deep", "3"),
      "a/b/c/deeper.mjs": node("my_deeper"),
    });
    const { nodes, problems } = await loadNodes({ userDirs: [dir] });
    expect(problems).toEqual([]);
    expect((await nodes.get("my_flat")?.execute?.({}, {}, fakeContext()))?.outputs).toEqual({ y: 2 });
    expect((await nodes.get("my_deep")?.execute?.({}, {}, fakeContext()))?.outputs).toEqual({ y: 3 });
    expect(nodes.has("my_deeper")).toBe(false);
  });

  it("a type of the same name replaces the built-in one, with a note", async () => {
    const dir = await folder({ "math/add.ts": node("math_add", "100") });
    const { nodes, notes } = await loadNodes({ userDirs: [dir] });
    expect((await nodes.get("math_add")?.execute?.({}, {}, fakeContext()))?.outputs).toEqual({ y: 100 });
    expect(notes).toEqual([expect.stringMatching(/add\.ts replaces the built-in node type math_add$/)]);
  });

  it("tests, declarations, indexes, hidden and private files and dependencies are passed over", async () => {
    const broken = "this is no code";
    const dir = await folder({
      "my/ok.js": node("my_ok"),
      "my/ok.d.ts": broken,
      "my/ok.test.ts": broken,
      "my/ok.int.test.ts": broken,
      "my/index.ts": broken,
      "my/_private.ts": broken,
      ".hidden/x.ts": broken,
      "node_modules/x/y.js": broken,
      "README.md": broken,
    });
    const { nodes, problems } = await loadNodes({ userDirs: [dir, join(base, "missing")] });
    expect(problems).toEqual([]);
    expect([...nodes.values()].filter(({ source }) => source.from === "user")).toHaveLength(1);
  });

  it("where a source and its build lie side by side, the source counts", async () => {
    const dir = await folder({ "my/both.ts": node("my_both", "1"), "my/both.js": node("my_both", "2") });
    const { nodes, problems } = await loadNodes({ userDirs: [dir] });
    expect(problems).toEqual([]);
    expect(nodes.get("my_both")?.source.file).toBe(join(dir, "my/both.ts"));
  });

  it("linked files count, as in a mounted ConfigMap", async () => {
    const dir = await folder({ "..data/linked.js": node("my_linked") });
    await symlink(join(dir, "..data/linked.js"), join(dir, "linked.js"));
    expect((await loadNodes({ userDirs: [dir] })).nodes.has("my_linked")).toBe(true);
  });

  it("in a checkout ./nodes is the built-in folder: what is built in is not loaded again", async () => {
    const { problems, notes } = await loadNodes({ userDirs: [nodesDir] });
    expect([problems, notes]).toEqual([[], []]);
  });
});

describe("a bad file", () => {
  it.each([
    ["does not parse", "export default {", /./],
    ["throws when it is imported", 'throw new Error("boom")', /boom$/],
    ["throws what is no error", 'throw "text"', /text$/],
    ["imports what is not there", 'import "no-such-package"; export default 1;', /no-such-package/],
    ["has no default export", "export const x = 1;", /default export must come from defineNode/],
    [
      "exports something else",
      "export default { nodeType: { type: 'x' } };",
      /default export must come from defineNode/,
    ],
    ["has a type name that is none", node("My-Node"), /"My-Node" is no type name/],
    ["has a pin that is no schema", node("my_bad").replace("float()", "{}").replace(".default(1)", ""), /zod 4/],
    ["takes a control type's name", node("start"), /handles itself/],
  ])("that %s is a problem that names it, and the others load", async (_, text, message) => {
    const dir = await folder({ "my/bad.js": text, "my/good.js": node("my_good") });
    const { nodes, problems } = await loadNodes({ userDirs: [dir] });
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatchObject({ code: "NodeLoadError", details: { file: join(dir, "my/bad.js") } });
    expect(problems[0]?.message).toMatch(message);
    expect(nodes.has("my_good")).toBe(true);
  });

  it("that defines a type a second time is a problem; the first one stays", async () => {
    const dir = await folder({ "a.js": node("my_twice", "1"), "b.js": node("my_twice", "2") });
    const { nodes, problems } = await loadNodes({ userDirs: [dir] });
    expect(problems).toEqual([expect.objectContaining({ message: expect.stringContaining("is defined in") })]);
    expect(nodes.get("my_twice")?.source.file).toBe(join(dir, "a.js"));
  });
});
