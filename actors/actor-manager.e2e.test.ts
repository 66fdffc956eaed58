import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Writable } from "node:stream";
import { fileURLToPath } from "node:url";
import { jetstream } from "@nats-io/jetstream";
import { pino } from "pino";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { decodeMessage, encodeMessage, type NodeResult, resultMessage, subjects } from "../nats/index.ts";
import { eventually, withServer } from "../nats/testing.ts";
import { ActorManager, type ActorManagerEvent, type ActorManagerOptions } from "./actor-manager.ts";
import { dispatchEntryOf } from "./testing-dispatch.ts";

const DIST = new URL("../dist/", import.meta.url);
/** A manager in a process of its own, with one actor process: prints that one's id. */
const MANAGER = `
import { ActorManager } from ${JSON.stringify(new URL("actors/index.js", DIST))};
import { pino } from "pino";
const command = process.argv.slice(1);
const manager = new ActorManager({ command, groups: "all", logger: pino({ level: "silent" }) });
await manager.start();
process.stdout.write(\`\${manager.processes[0]?.pid}\\n\`);
`;

/** Each file is a node type whose code misbehaves in one way. */
const NODES = {
  test_pid: "({ pid: process.pid })",
  test_endless: "{ for (;;) {} }",
  test_crash: `new Promise(() => setTimeout(() => { throw new Error("on purpose"); }, 1))`,
  test_reject: `{ Promise.reject(new Error("nobody waits")); return new Promise(() => {}); }`,
};

const nats = withServer();
let nodesDir: string;
const results = new Map<string, NodeResult>();
/** The command as a user has it; who is lost is noticed after a second. */
const actorCommand = (): string[] => [
  process.execPath,
  fileURLToPath(new URL("cli/main.js", DIST)),
  "actor",
  ...["--server", nats.server.url, "--nodes-dir", nodesDir, "--ack-wait", "1s"],
];
beforeAll(async () => {
  await nats.start();
  nats.nc.subscribe("rayflow.result.*.*", {
    callback: (_, { data }) => {
      const message = decodeMessage(resultMessage, data);
      for (const result of message.ok ? message.value.results : []) results.set(result.id, result);
    },
  });
  nodesDir = await mkdtemp(join(tmpdir(), "rayflow-nodes-"));
  for (const [type, body] of Object.entries(NODES)) {
    const source = `import { defineNode, int } from "rayflow";
export default defineNode({ type: "${type}", title: "${type}", category: "test", outputs: { pid: int().optional() }, run: () => ${body} });`;
    await writeFile(join(nodesDir, `${type}.mjs`), source);
  }
});
afterAll(async () => {
  await nats.stop();
  await rm(nodesDir, { recursive: true, force: true });
});

const managers: ActorManager[] = [];
const children: ChildProcess[] = [];
afterEach(async () => {
  await Promise.all(managers.splice(0).map((manager) => manager.stop(2_000)));
  for (const child of children.splice(0)) child.kill("SIGKILL");
});

function manage(more: Partial<ActorManagerOptions> = {}) {
  const events: ActorManagerEvent[] = [];
  let output = "";
  const manager = new ActorManager({
    command: actorCommand(),
    env: { ...process.env, RAYFLOW_LOG_LEVEL: "warn" },
    groups: [Object.keys(NODES)],
    logger: pino({ level: "silent" }),
    onEvent: (event) => events.push(event),
    minBackoffMs: 50,
    output: new Writable({
      write(chunk, _encoding, done) {
        output += String(chunk);
        done();
      },
    }),
    ...more,
  });
  managers.push(manager);
  return { manager, events, output: () => output };
}

let serial = 0;
async function run(type: string): Promise<string> {
  const id = `e2e${++serial}`;
  const message = { v: 1, type, entries: [dispatchEntryOf({ id })] };
  await jetstream(nats.nc).publish(subjects.node(type), encodeMessage(message));
  return id;
}

async function resultOf(id: string): Promise<NodeResult> {
  await eventually(() => results.has(id), `a result of ${id}`, 30_000);
  return results.get(id) as NodeResult;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

const pidOf = (manager: ActorManager) => manager.processes[0]?.pid ?? 0;

test("one process per group serves the group's types, and stop leaves none", async () => {
  const { manager, events } = manage({ groups: [["test_pid"], ["test_crash", "math_add"]] });
  await manager.start();
  expect(manager.processes.map(({ types }) => types)).toEqual([["test_pid"], ["math_add", "test_crash"]]);
  expect(events.map(({ kind }) => kind)).toEqual(["ready", "ready"]);
  const result = await resultOf(await run("test_pid"));
  expect(result.outputs).toEqual({ pid: pidOf(manager) });
  const pids = manager.processes.map(({ pid }) => pid ?? 0);
  await manager.stop();
  expect(pids.filter(isAlive)).toEqual([]);
});

test("a process that is killed is started again and takes work again", async () => {
  const { manager, events } = manage({ groups: "all" });
  await manager.start();
  const first = pidOf(manager);
  process.kill(first, "SIGKILL");
  await eventually(() => events.filter(({ kind }) => kind === "ready").length === 2, "ready again", 30_000);
  expect(events[1]).toMatchObject({ kind: "exited", exit: { signal: "SIGKILL" }, restartInMs: 50 });
  const result = await resultOf(await run("test_pid"));
  expect(result.outputs).toEqual({ pid: pidOf(manager) });
  expect(pidOf(manager)).not.toBe(first);
});

test("a process that cannot start fails the manager with its last words, and is not tried again", async () => {
  const { manager, events } = manage({ groups: [["test_pid"], ["no_such_type"]] });
  await expect(manager.start()).rejects.toMatchObject({
    code: "ActorStartFailed",
    message: expect.stringContaining("no such node type for an actor: no_such_type"),
  });
  expect(events.filter(({ kind }) => kind === "exited")).toEqual([]);
  expect(manager.processes.filter(({ pid }) => pid !== undefined && isAlive(pid))).toEqual([]);
});

test("a program that is not there fails the manager", async () => {
  const { manager } = manage({ command: ["/no/such/program"] });
  await expect(manager.start()).rejects.toMatchObject({
    code: "ActorStartFailed",
    message: expect.stringContaining("ENOENT"),
  });
});

test("a process that never becomes ready fails the manager and is killed", async () => {
  const { manager } = manage({
    command: [process.execPath, "-e", "setInterval(() => {}, 1000)"],
    groups: "all",
    startTimeoutMs: 500,
  });
  await expect(manager.start()).rejects.toMatchObject({ message: expect.stringContaining("not ready after 500 ms") });
  expect(isAlive(pidOf(manager))).toBe(false);
});

test("an endless loop in node code is killed, and its node fails with ActorLost in the end", async () => {
  const { manager, events } = manage({ pingIntervalMs: 50, stuckAfterMs: 1_000, maxBackoffMs: 50 });
  await manager.start();
  const result = await resultOf(await run("test_endless"));
  expect(result.error).toMatchObject({ code: "ActorLost" });
  // Fewer than four when the server delivered it again to a process that was stuck and not killed yet.
  expect(events.filter(({ kind }) => kind === "stuck").length).toBeGreaterThanOrEqual(2);
});

test.each([["test_crash"], ["test_reject"]])(
  "an uncaught error of %s ends its process with code 1; the work is given up in the end, the rest goes on",
  async (type) => {
    const { manager, events, output } = manage({ maxBackoffMs: 50 });
    await manager.start();
    const result = await resultOf(await run(type));
    expect(result.error).toMatchObject({ code: "ActorLost" });
    expect(events.filter((event) => event.kind === "exited" && event.exit.code === 1)).toHaveLength(4);
    expect(output()).toContain("uncaught error");
    expect(await resultOf(await run("test_pid"))).toMatchObject({ status: "ok" });
  },
);

test.each([
  ["idle", undefined],
  ["stuck in node code", "test_endless"],
])("when the manager's process is killed, an actor that is %s goes too", async (_name, type) => {
  const parent = spawn(process.execPath, ["--input-type=module", "-e", MANAGER, ...actorCommand()], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  children.push(parent);
  const pid = await new Promise<number>((done) => {
    parent.stdout?.once("data", (chunk: Buffer) => done(Number(chunk.toString())));
  });
  expect(isAlive(pid)).toBe(true);
  if (type !== undefined) {
    const before = await cpuSeconds(pid);
    await run(type);
    await eventually(async () => (await cpuSeconds(pid)) >= before + 2, "it is stuck", 60_000);
  }
  parent.kill("SIGKILL");
  await eventually(() => !isAlive(pid), "the actor process is gone", 20_000);
});

/** How long the process has computed, as `ps` sees it. */
async function cpuSeconds(pid: number): Promise<number> {
  const ps = spawn("ps", ["-o", "times=", "-p", String(pid)]);
  return new Promise<number>((done) => ps.stdout.once("data", (text: Buffer) => done(Number(text))));
}
