/** `rayflow deploy` and `rayflow flows`, and runs by name, against a running `rayflow dev`. */
import { writeFileSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { rayflow, startDev, temporaryFolder } from "./rayflow-process.ts";

let dev: Awaited<ReturnType<typeof startDev>>;
const folder = temporaryFolder();

beforeAll(async () => {
  dev = await startDev();
});
afterAll(async () => {
  await dev?.stop();
  folder.remove();
});

/** Writes a flow that answers with a constant. */
function flowFile(name: string, answer: number, more: object = {}): string {
  const flow = {
    name,
    nodes: [
      { id: "s", type: "start" },
      { id: "r", type: "return", constants: { answer } },
    ],
    edges: [{ id: "e", source: "s", target: "r", sourceHandle: "exec-out", targetHandle: "exec-in" }],
    ...more,
  };
  const file = path.join(folder.path, `${name}-${answer}.json`);
  writeFileSync(file, JSON.stringify(flow));
  return file;
}

const call = (...args: string[]) => rayflow([...args, "--server", dev.url]);

async function json(...args: string[]) {
  const { code, stdout, stderr } = await call(...args, "--json");
  expect(stderr).toBe("");
  expect(code).toBe(0);
  return JSON.parse(stdout);
}

describe("a deployed flow", () => {
  test("runs by its name, by its version, and after going back", async () => {
    const one = await json("deploy", flowFile("answers", 1, { version: "1.0" }));
    expect(one).toMatchObject({ name: "answers", label: "1.0", changed: true });
    const two = await json("deploy", flowFile("answers", 2));
    expect((await json("run", "answers")).result).toEqual({ answer: 2 });
    expect((await json("run", "answers@1.0")).result).toEqual({ answer: 1 });
    expect(await json("deploy", "answers", "--rollback", "1.0")).toMatchObject({ version: one.version });
    expect((await json("run", "answers")).result).toEqual({ answer: 1 });
    await json("flows", "activate", "answers", two.version.slice(0, 7));
    const versions = await json("flows", "versions", "answers");
    expect(versions.map(({ active }: { active: boolean }) => active)).toEqual([true, false]);
    expect(await json("publish", "answers")).toMatchObject({ duplicate: false });
  });

  test("is listed and shown with its triggers until it is deleted", async () => {
    const file = flowFile("timely", 1, { triggers: [{ every: "1h" }] });
    await json("deploy", file, "--cron", "0 9 * * 1-5", "--timezone", "Europe/Berlin");
    const listed = await json("flows", "list");
    expect(listed).toContainEqual(expect.objectContaining({ name: "timely" }));
    const shown = await call("flows", "show", "timely");
    expect(shown.stdout).toMatch(/every 1h, next \d{4}-.*\n.*cron 0 9 \* \* 1-5 \(Europe\/Berlin\), next/);
    expect(await json("flows", "delete", "timely")).toEqual({ name: "timely", deleted: true });
    expect((await call("run", "timely")).code).toBe(2);
  });
});

test.each([
  ["a name that is near one", ["run", "answer"], 2, 'did you mean "answers"'],
  ["a name that no subject can hold", ["deploy", flowFile("no good", 1)], 2, '"no-good" would do'],
  ["a time that is none", ["deploy", flowFile("bad-time", 1), "--cron", "0 25 * * *"], 2, "hour"],
  ["an option without its trigger", ["deploy", flowFile("bad-zone", 1), "--timezone", "UTC"], 2, "goes with --cron"],
  ["a version that is not there", ["flows", "activate", "answers", "9.9"], 2, "has no version 9.9"],
])("%s is refused", async (_, args, code, why) => {
  await call("deploy", flowFile("answers", 1));
  const refused = await call(...args);
  expect(refused.stderr).toContain(why);
  expect(refused.code).toBe(code);
});

test("the name of a flow without a server is a usage error", async () => {
  const { code, stderr } = await rayflow(["run", "answers", "--local"]);
  expect(stderr).toContain("there is no file answers");
  expect(code).toBe(2);
});
