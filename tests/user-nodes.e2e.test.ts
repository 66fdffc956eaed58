/** A user's own nodes, in a folder of theirs. */
import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { rayflow, temporaryFolder } from "./rayflow-process.ts";

let folder: ReturnType<typeof temporaryFolder>;
beforeEach(() => {
  folder = temporaryFolder();
});
afterEach(() => folder.remove());
const here = (...args: string[]) => rayflow(args, { cwd: folder.path });

describe("rayflow nodes new", () => {
  it("writes a node that is listed and runs as it is, without a build", async () => {
    const made = await here("nodes", "new", "text/greet", "--json");
    expect(JSON.parse(made.stdout)).toEqual({
      type: "text_greet",
      file: path.join("nodes", "text", "greet.ts"),
      flow: path.join("nodes", "text", "greet.flow.json"),
    });
    const listed = await here("list-nodes", "--json");
    const found = JSON.parse(listed.stdout).find(({ type }: { type: string }) => type === "text_greet");
    expect(found).toMatchObject({ category: "text", outputs: { greeting: { type: "str" } } });

    const run = await here("run", "nodes/text/greet.flow.json", "--input", '{"name": "Ada"}', "--json", "--local");
    expect(JSON.parse(run.stdout), run.stderr).toMatchObject({
      success: true,
      result: { greeting: "Hello, Ada! Hello, Ada!" },
    });
  });

  it("overwrites nothing unless told to", async () => {
    await here("new-node", "shout");
    const again = await here("new-node", "shout", "--json");
    expect(again.code).toBe(2);
    expect(JSON.parse(again.stdout).error.message).toMatch(/there already/);
    expect((await here("new-node", "shout", "--force")).code).toBe(0);
  });

  it("refuses a name that can be no type", async () => {
    const { code, stderr } = await here("nodes", "new", "../../etc/passwd");
    expect(code).toBe(2);
    expect(stderr).toMatch(/no node name/);
  });
});

describe("a user's node file", () => {
  it("that cannot be loaded is named, and all others work", async () => {
    mkdirSync(path.join(folder.path, "nodes", "bad"), { recursive: true });
    writeFileSync(path.join(folder.path, "nodes", "bad", "broken.ts"), "export default {;");
    const { code, stdout, stderr } = await here("nodes", "list", "--json");
    expect(code).toBe(0);
    expect(JSON.parse(stdout).length).toBeGreaterThan(50);
    expect(stderr).toMatch(/broken\.ts/);
  });
});
