/** `rayflow create`, `rayflow gateway` and `rayflow run --port` as processes. */
import { readFileSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type EmbeddedServer, startEmbeddedServer } from "../nats/index.ts";
import {
  descendantsOf,
  isRunning,
  type RunningCommand,
  root,
  startRayflow,
  temporaryFolder,
} from "./rayflow-process.ts";

const sumFile = path.join(root, "examples", "flows", "sum.json");
const { flow: sum } = JSON.parse(readFileSync(sumFile, "utf8"));
const scratch = temporaryFolder();
const running: RunningCommand[] = [];
afterAll(async () => {
  for (const { child } of running) child.kill("SIGKILL");
  await Promise.all(running.map(({ ended }) => ended));
  scratch.remove();
});

function start(args: string[], env: Record<string, string> = {}): RunningCommand {
  const command = startRayflow(args, { cwd: scratch.path, env });
  running.push(command);
  return command;
}

const AT = /(?:is at|is served at) (http:\S+)/;
const addressIn = (said: string): string => AT.exec(said)?.[1] ?? "";

async function post(url: string, body: unknown, headers: Record<string, string> = {}) {
  const answer = await fetch(url, {
    method: "POST",
    headers: { "Content-Type": "application/json", ...headers },
    body: JSON.stringify(body),
  });
  return { status: answer.status, json: (await answer.json()) as Record<string, unknown> };
}

async function stop(command: RunningCommand): Promise<number | null> {
  command.child.kill("SIGTERM");
  return (await command.ended).code;
}

describe("rayflow create", () => {
  it("starts everything, serves the editor and the API, keeps what was saved, and leaves nothing behind", async () => {
    const data = path.join(scratch.path, "data");
    for (const round of [1, 2]) {
      const create = start(["create", "--port", "0", "--no-open", "--data-dir", data]);
      const url = addressIn(await create.until(AT));
      const page = await fetch(url);
      expect(page.headers.get("content-type")).toMatch(/^text\/html/);
      expect(await page.text()).toContain("<title>RayFlow</title>");
      const run = await post(`${url}/api/flows/execute`, { flow: sum, inputs: { x: 5, y: 3 } });
      expect(run).toMatchObject({ status: 200, json: { success: true, result: { sum: 8 } } });
      if (round === 1) {
        await fetch(`${url}/api/flows/mine`, {
          method: "PUT",
          headers: { "Content-Type": "application/json" },
          body: JSON.stringify({ flow: sum }),
        });
      } else {
        const { flow } = (await (await fetch(`${url}/api/flows/mine`)).json()) as { flow: unknown };
        expect(flow).toEqual(sum);
      }
      const started = descendantsOf(create.child.pid ?? 0);
      expect(await stop(create)).toBe(0);
      await expect.poll(() => started.filter(isRunning)).toEqual([]);
    }
  });

  it("does not start on a port that is taken", async () => {
    const first = start(["create", "--port", "0", "--no-open"]);
    const { port } = new URL(addressIn(await first.until(AT)));
    const second = await start(["create", "--port", port, "--no-open", "--server", "nats://127.0.0.1:1"]).ended;
    expect(second.code).toBe(3);
    const third = await start(["create", "--port", port, "--no-open"]).ended;
    expect(third.code).toBe(1);
    expect(third.stderr).toContain("PortTaken");
    expect(await stop(first)).toBe(0);
  });

  it.each([
    [["--api-token", "short"], /8 characters/],
    [["--cors-origin", "flows.example"], /origin/],
    [["--port", "70000"], /65535/],
  ])("says what is off with %j", async (args, why) => {
    const { code, stderr } = await start(["create", "--no-open", ...args]).ended;
    expect(code).toBe(2);
    expect(stderr).toMatch(why);
  });
});

describe("on a server that is there", () => {
  let server: EmbeddedServer;
  beforeAll(async () => {
    server = await startEmbeddedServer();
  });
  afterAll(() => server.stop());

  it("create starts what is missing, a gateway beside it uses that, and asks for its token", async () => {
    const at = ["--server", server.url];
    const create = start(["create", "--port", "0", "--no-open", ...at]);
    const url = addressIn(await create.until(AT));
    expect(create.stdout).toContain("no orchestrator answers there");
    const beside = start(["create", "--port", "0", "--no-open", ...at], { RAYFLOW_TOKEN: "a-good-token" });
    const other = addressIn(await beside.until(AT));
    expect(beside.stdout).not.toContain("orchestrator");
    const gateway = start(["gateway", "--port", "0", ...at]);
    const alone = /"url":"([^"]+)"/.exec(await gateway.until(/gateway is up/))?.[1] ?? "";
    const request = { flow: sum, inputs: { x: 1, y: 2 } };
    expect((await post(`${other}/api/flows/execute`, request)).status).toBe(401);
    const key = { "Idempotency-Key": "one-for-all" };
    const [first, second, third] = await Promise.all([
      post(`${url}/api/flows/execute`, request, key),
      post(`${other}/api/flows/execute`, request, { ...key, Authorization: "Bearer a-good-token" }),
      post(`${alone}/api/flows/execute`, request, key),
    ]);
    expect(first).toMatchObject({ status: 200, json: { result: { sum: 3 } } });
    expect(second).toEqual(first);
    expect(third).toEqual(first);
    expect(await Promise.all([stop(gateway), stop(beside), stop(create)])).toEqual([0, 0, 0]);
  });
});

describe("rayflow run --port", () => {
  it("serves the flow until it is stopped", async () => {
    const served = start(["run", sumFile, "--port", "0", "--local"]);
    const url = addressIn(await served.until(AT));
    expect(await post(`${url}/execute`, { x: 2, y: 2 })).toEqual({ status: 200, json: { sum: 4 } });
    expect(await post(`${url}/execute`, { x: "two", y: 2 })).toMatchObject({ status: 400 });
    expect((await fetch(`${url}/health`)).status).toBe(200);
    expect(await stop(served)).toBe(0);
  });

  it("is for no single run", async () => {
    const { code, stderr } = await start(["run", sumFile, "--port", "0", "--input", "{}"]).ended;
    expect(code).toBe(2);
    expect(stderr).toContain("--input is for one run");
  });
});
