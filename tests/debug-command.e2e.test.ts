/** `rayflow debug` and `rayflow run --break`: commands in a pipe, what they print, and what becomes of a held run. */
import { writeFileSync } from "node:fs";
import { get } from "node:http";
import path from "node:path";
import { createParser } from "eventsource-parser";
import { afterAll, afterEach, beforeAll, expect, it } from "vitest";
import { flowBuilder } from "../flow/testing.ts";
import { startEmbeddedServer } from "../nats/index.ts";
import { type RunningCommand, rayflow, startDev, startRayflow, temporaryFolder } from "./rayflow-process.ts";

const scratch = temporaryFolder();
const file = path.join(scratch.path, "sums.json");
let dev: Awaited<ReturnType<typeof startDev>>;
const running: RunningCommand[] = [];

beforeAll(async () => {
  const exec = (id: string, source: string, target: string) => ({
    id,
    source,
    target,
    sourceHandle: "exec-out",
    targetHandle: "exec-in",
  });
  const data = (id: string, source: string, target: string, to: string) => ({
    id,
    source,
    target,
    sourceHandle: "output-result",
    targetHandle: `input-${to}`,
  });
  writeFileSync(
    file,
    JSON.stringify({
      name: "sums",
      variables: { tries: 0 },
      nodes: [
        { id: "start", type: "start", config: { api_schema: { x: { type: "float" } } } },
        { id: "one", type: "math_add", constants: { x: 1, y: 1 } },
        { id: "two", type: "math_add", constants: { y: 40 } },
        { id: "return", type: "return" },
      ],
      edges: [
        exec("e1", "start", "one"),
        exec("e2", "one", "two"),
        exec("e3", "two", "return"),
        data("d1", "one", "two", "x"),
        data("d2", "two", "return", "sum"),
      ],
    }),
  );
  dev = await startDev();
});
afterEach(async () => {
  for (const { child } of running) child.kill("SIGKILL");
  await Promise.all(running.splice(0).map(({ ended }) => ended));
});
afterAll(async () => {
  await dev.stop();
  scratch.remove();
});

const at = (server: string) => ({
  call: (args: string[], input = "") => rayflow([...args, "--server", server], { cwd: scratch.path, input }),
});
const heldRun = async (server: string, nodes: string): Promise<string> =>
  (await at(server).call(["run", file, "--input", '{"x": 1}', "--break", nodes, "--detach"])).stdout.trim();

it("steps through a run by commands from a pipe, and exits like the run", async () => {
  const run = await heldRun(dev.url, "one");
  const { code, stdout, stderr } = await at(dev.url).call(["debug", run.slice(0, 10)], "i\ns\nb return\nv\nc\nc\n");
  expect([code, stderr]).toEqual([0, ""]);
  const [first, ...rest] = stdout.split("\n");
  expect(first).toMatch(new RegExp(`^run ${run} of sums: (paused|running); breakpoints one$`));
  const told = rest.join("\n");
  expect(told).toMatch(/one\n\{\n {2}"x": 1,\n {2}"y": 1\n\}/);
  expect(told).toMatch(/✔ one .*completed.*\n.*out result = 2\n◆ two .*held\n.*in {2}x = 2\n/);
  expect(told).toContain("breakpoints: one, return\n");
  expect(told).toContain("run    tries = 0\n");
  expect(told).toMatch(/◆ return .*held\n.*in {2}sum = 42\n/);
  expect(told).toMatch(/✔ succeeded in [\d.]+ s\n$/);
});

it("leaves a run as it is, and says what it does not understand", async () => {
  const run = await heldRun(dev.url, "two");
  const commands = "jump\nb nobody\ni\nq\n";
  const { code, stdout, stderr } = await at(dev.url).call(["debug", run, "-o", "jsonl"], commands);
  expect([code, stderr]).toEqual([0, `left run ${run} as it is; back: rayflow debug ${run}\n`]);
  const said = stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  expect(said[0]).toMatchObject({ run_id: run, breakpoints: ["two"] });
  expect(said.filter(({ kind }) => kind === "error").map(({ error }) => error.code)).toEqual([
    "UsageError",
    "InvalidBreakpoint",
  ]);
  expect(said.find(({ kind }) => kind === "held")).toMatchObject({ held: [{ node: "two", inputs: { x: 2, y: 40 } }] });
  const described = JSON.parse((await at(dev.url).call(["runs", "describe", run, "--json"])).stdout);
  expect(described).toMatchObject({ status: "paused", held: [{ node: "two" }] });

  const { call } = at(dev.url);
  expect((await call(["runs", "breakpoints", run, "two", "return"])).stdout).toMatch(
    / {2}breakpoints \(sequence \d+\)/,
  );
  expect((await call(["runs", "step", run])).code).toBe(0);
  const watch = startRayflow(["runs", "watch", run, "--server", dev.url], { cwd: scratch.path });
  running.push(watch);
  await watch.until(/◆ return .*held/);
  expect((await call(["runs", "continue", run])).code).toBe(0);
  expect((await watch.ended).code).toBe(0);
});

it("debugs what `run` submits, with a server of its own too", async () => {
  const call = ["run", file, "--input", '{"x": 1}', "--break", "two,return", "--json"];
  const served = await at(dev.url).call(call, "c\nc\n");
  expect([served.code, JSON.parse(served.stdout)]).toMatchObject([0, { success: true, result: { sum: 42 } }]);
  expect(served.stderr).toMatch(/◆ (held at two|two )[\s\S]*◆ return .*held/);
  const alone = await rayflow([...call, "--local"], { cwd: scratch.path, input: "c\nc\n" });
  expect([alone.code, JSON.parse(alone.stdout)]).toMatchObject([0, { success: true, result: { sum: 42 } }]);
  const wrong = await at(dev.url).call(["run", file, "--input", "{}", "--break", "nobody", "--json"]);
  expect([wrong.code, JSON.parse(wrong.stdout).error.code]).toEqual([1, "InvalidBreakpoint"]);
  const input = await at(dev.url).call(["run", "-", "--break", "two", "--json"]);
  expect([input.code, JSON.parse(input.stdout).error.code]).toEqual([2, "UsageError"]);
});

/** `text` reads a pure node; what it gives is long. */
const long = "ab".repeat(300);
const pureFlow = flowBuilder({ name: "loud" })
  .node("start", "start", { config: { api_schema: { word: { type: "str", required: true } } } })
  .node("loud", "string_upper")
  .node("text", "string_concat", { constants: { a: long } })
  .node("ret", "return")
  .chain("start", "text", "ret")
  .data("start.word", "loud.text")
  .data("loud.result", "text.b")
  .data("text.result", "ret.text")
  .build();

it("shows what each node was given, gave and took, pure ones too, with `run --debug` and `runs watch --debug`", async () => {
  const args = ["run", "-", "--input", '{"word": "end"}', "--debug"];
  const input = JSON.stringify(pureFlow);
  const plain = await at(dev.url).call(args, input);
  expect(plain.code, plain.stderr).toBe(0);
  expect(JSON.parse(plain.stdout)).toMatchObject({ success: true, result: { text: `${long}END` } });
  expect(plain.stderr).toMatch(/^run r[0-9a-v]{25}\n/);
  expect(plain.stderr).toMatch(/\n +\+[\d.]+ ms ▶ loud .*string_upper .*running for text\n +in {2}text = "end"\n/);
  expect(plain.stderr).toMatch(/ms ✔ loud .*completed for text [\d.]+ ms\n +out result = "END"\n/);
  expect(plain.stderr).toMatch(/ms ✔ text .*completed [\d.]+ ms\n[\s\S]* +out result = "[ab]+ … \(605 characters\)\n/);

  const whole = await at(dev.url).call([...args, "--full", "-o", "jsonl"], input);
  expect(whole.stderr).toBe("");
  const events = whole.stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  expect(events[0]).toMatchObject({ kind: "submitted", event: 1 });
  expect(events.at(-1)).toMatchObject({ kind: "ended", result: { success: true } });
  expect(events.flatMap((event) => event.nodes ?? [])).toContainEqual(
    expect.objectContaining({ node: "loud", for: "text", state: "completed", outputs: { result: "END" } }),
  );
  const run = events[0].run_id;
  const watched = await at(dev.url).call(["runs", "watch", run, "--debug", "--full"]);
  expect(watched.stdout).toMatch(/▶ loud .*for text/);
  expect(watched.stdout).toContain(`out result = "${long}END"`);
  expect((await at(dev.url).call(["runs", "watch", run])).stdout).not.toContain("loud");
});

it("follows a run through XState's machine for Stately's inspector", async () => {
  const run = await heldRun(dev.url, "two");
  const inspecting = startRayflow(["debug", run, "--inspect-port", "0", "--json", "--server", dev.url]);
  running.push(inspecting);
  await inspecting.until(/"url": "[^"]+"[\s\S]*\n\}/);
  const { url } = JSON.parse(inspecting.stdout) as { url: string };
  const page = await fetch(url);
  expect(await page.text()).toContain('src="https://stately.ai/inspect"');
  expect(page.headers.get("content-security-policy")).toContain("frame-src https://stately.ai");
  expect((await fetch(`${url}events`, { method: "POST" })).status).toBe(405);
  const elsewhere = await statusFor(`${url}events`, "evil.example");
  expect(elsewhere).toBe(421);
  const served = readEvents(`${url}events`);
  expect((await at(dev.url).call(["runs", "continue", run])).code).toBe(0);
  const seen = await served;

  const { code, stdout, stderr } = await at(dev.url).call(["debug", run, "--inspect"]);
  expect([code, stderr]).toEqual([0, ""]);
  const printed = stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  expect(seen).toEqual(printed);
  expect(printed[0]).toMatchObject({ type: "@xstate.actor", name: "sums", sessionId: run });
  expect(JSON.parse(printed[0].definition)).toMatchObject({ id: "run", initial: "submitted" });
  const snapshots = printed.filter(({ type }) => type === "@xstate.snapshot");
  const values = snapshots.map(({ snapshot }) => snapshot.value);
  expect(values.filter((value, at) => value !== values[at - 1])).toEqual([
    "submitted",
    "running",
    "paused",
    "running",
    "succeeded",
  ]);
  expect(snapshots.find(({ snapshot }) => snapshot.value === "paused").snapshot.context).toMatchObject({
    held: ["two"],
  });
});

/** `fetch` sends the true Host alone. */
function statusFor(url: string, host: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const asked = get(url, { headers: { host } }, (response) => {
      response.resume();
      resolve(response.statusCode);
    });
    asked.on("error", reject);
  });
}

/** What a browser is told, until the run's last event. */
async function readEvents(url: string): Promise<unknown[]> {
  const events: { snapshot?: { status?: string } }[] = [];
  const parser = createParser({ onEvent: ({ data }) => void events.push(JSON.parse(data)) });
  const response = await fetch(url);
  const decoder = new TextDecoder();
  for await (const chunk of response.body ?? []) {
    parser.feed(decoder.decode(chunk, { stream: true }));
    if (events.at(-1)?.snapshot?.status === "done") break;
  }
  return events;
}

it("a held run survives the end of its orchestrator and of the server, and goes on with others", async () => {
  const server = await startEmbeddedServer({ name: "held-run" });
  const start = async (...args: string[]): Promise<RunningCommand> => {
    const made = startRayflow([...args, "--server", server.url], { env: { RAYFLOW_LOG_LEVEL: "info" } });
    running.push(made);
    await made.until(/is up|ready|serves/i);
    return made;
  };
  try {
    const first = await start("orchestrator", "--lease-ttl", "1s");
    await start("actor");
    const run = await heldRun(server.url, "one,two");
    const look = startRayflow(["runs", "watch", run, "--server", server.url], { cwd: scratch.path });
    running.push(look);
    await look.until(/◆ one .*held/);
    expect((await at(server.url).call(["runs", "continue", run])).code).toBe(0);
    await look.until(/◆ two .*held/);
    // Both at once, without a word: what the next orchestrator knows it has from the log, as the server finds it on its disk.
    first.child.kill("SIGKILL");
    await Promise.all([first.ended, server.kill()]);
    await server.restart();
    await start("orchestrator");
    const { code, stdout } = await at(server.url).call(["debug", run], "w\nc\n");
    expect(stdout).toMatch(/◆ held at two \(math_add\)\n {4}in {2}x = 2\n {4}in {2}y = 40\n/);
    expect(stdout).toMatch(/✔ succeeded/);
    expect(code).toBe(0);
    expect((await look.ended).code).toBe(0);
    const result = await at(server.url).call(["runs", "result", run]);
    expect(JSON.parse(result.stdout)).toMatchObject({ success: true, result: { sum: 42 } });
  } finally {
    for (const { child } of running) child.kill("SIGKILL");
    await server.stop();
  }
});
