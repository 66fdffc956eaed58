import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { jetstreamManager } from "@nats-io/jetstream";
import { expect, onTestFinished, test } from "vitest";
import { connectNats } from "./connection.ts";
import { startEmbeddedServer } from "./embedded-server.ts";
import { eventually, reconnected } from "./testing.ts";

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "rayflow-test-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

test("it listens on loopback with JetStream, and stop leaves nothing behind", async () => {
  const server = await startEmbeddedServer({ name: "n1", maxPayload: 2_000_000 });
  const nc = await connectNats({ name: "t", servers: server.url });
  expect(nc.info).toMatchObject({ server_name: "n1", max_payload: 2_000_000, jetstream: true, port: server.port });
  expect(nc.info?.host).toBe("127.0.0.1");
  expect(existsSync(server.storeDir)).toBe(true);
  await nc.close();
  await server.stop();
  expect(await server.exited).toBe(0);
  expect(alive(server.pid)).toBe(false);
  expect(existsSync(server.storeDir)).toBe(false);
  await server.stop();
});

test("a given store folder stays, and its data with it", async () => {
  const storeDir = temporaryFolder();
  const first = await startEmbeddedServer({ storeDir, syncAlways: true, logFile: join(storeDir, "log") });
  const nc = await connectNats({ name: "t", servers: first.url });
  await (await jetstreamManager(nc)).streams.add({ name: "KEPT", subjects: ["kept"] });
  await nc.close();
  await first.stop();
  expect(existsSync(join(storeDir, "log"))).toBe(true);
  await using second = await startEmbeddedServer({ storeDir });
  const again = await connectNats({ name: "t", servers: second.url });
  expect((await (await jetstreamManager(again)).streams.info("KEPT")).config.name).toBe("KEPT");
  await again.close();
});

test("kill -9 of the server is noticed; restart brings it back on the same port with its data", async () => {
  await using server = await startEmbeddedServer();
  const { port, pid } = server;
  const nc = await connectNats({ name: "t", servers: server.url });
  await (await jetstreamManager(nc)).streams.add({ name: "KEPT", subjects: ["kept"] });
  process.kill(pid, "SIGKILL");
  expect(await server.exited).toBe(137);
  await server.restart();
  expect(server.port).toBe(port);
  expect(server.pid).not.toBe(pid);
  await reconnected(nc);
  expect((await (await jetstreamManager(nc)).streams.info("KEPT")).config.name).toBe("KEPT");
  await nc.close();
});

test("a server that cannot start fails with its last words", async () => {
  await expect(startEmbeddedServer({ extraConfig: "nonsense: [" })).rejects.toMatchObject({
    code: "ConnectionFailed",
    message: expect.stringMatching(/ended with code 1: .*Parse error on line/),
  });
  await using taken = await startEmbeddedServer();
  await expect(startEmbeddedServer({ port: taken.port })).rejects.toThrow(/code 1: [^\n]*address already in use/);
  await expect(startEmbeddedServer({ binary: "/nowhere/nats-server" })).rejects.toThrow(/ended with code 127/);
});

test.each(["SIGKILL", "SIGINT"] as const)("a parent ended by %s leaves neither server nor files", async (signal) => {
  const modulePath = JSON.stringify(join(import.meta.dirname, "embedded-server.ts"));
  const program = `
    import(${modulePath}).then(async ({ startEmbeddedServer }) => {
      const server = await startEmbeddedServer();
      console.log(JSON.stringify({ pid: server.pid, storeDir: server.storeDir }));
      setInterval(() => {}, 1000);
    });`;
  const parent = spawn(process.execPath, ["--import", "tsx", "-e", program], { stdio: ["ignore", "pipe", "inherit"] });
  const printed = await new Promise<string>((done) => parent.stdout.setEncoding("utf8").once("data", done));
  const { pid, storeDir } = JSON.parse(printed) as { pid: number; storeDir: string };
  const files = join(storeDir, "..");
  expect(alive(pid)).toBe(true);
  parent.kill(signal);
  await eventually(() => !alive(pid), "the server is gone");
  await eventually(() => !existsSync(files), "its files are gone");
});

test("a parent that forgets to stop it can still end", async () => {
  const modulePath = JSON.stringify(join(import.meta.dirname, "embedded-server.ts"));
  const program = `import(${modulePath}).then((m) => m.startEmbeddedServer()).then((s) => console.log(s.pid));`;
  const parent = spawn(process.execPath, ["--import", "tsx", "-e", program], { stdio: ["ignore", "pipe", "inherit"] });
  let printed = "";
  parent.stdout.setEncoding("utf8").on("data", (text: string) => {
    printed += text;
  });
  expect(await new Promise((done) => parent.once("close", done))).toBe(0);
  await eventually(() => !alive(Number(printed)), "the server is gone");
});

test("many at once get a port each", async () => {
  const servers = await Promise.all(Array.from({ length: 4 }, () => startEmbeddedServer()));
  expect(new Set(servers.map(({ port }) => port)).size).toBe(4);
  await Promise.all(servers.map((server) => server.stop()));
  expect(servers.filter(({ storeDir }) => existsSync(join(storeDir, "..")))).toEqual([]);
});
