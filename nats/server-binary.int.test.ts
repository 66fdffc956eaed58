import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { findServerBinary } from "./server-binary.ts";

const folder = mkdtempSync(join(tmpdir(), "rayflow-find-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A folder with a program called nats-server that prints this. */
function pretend(name: string, script: string): string {
  const path = join(folder, name);
  mkdirSync(path);
  writeFileSync(join(path, "nats-server"), `#!/bin/sh\n${script}\n`);
  chmodSync(join(path, "nats-server"), 0o755);
  return path;
}

const debian = pretend("debian", "echo 'nats-server: v2.9.10'");
const current = pretend("current", "echo 'nats-server: v2.14.5'");
const broken = pretend("broken", "exit 3");

test("a new enough nats-server on PATH is taken", async () => {
  const found = await findServerBinary({ searchPath: current });
  expect(found).toEqual({ path: join(current, "nats-server"), from: "path", refused: [] });
});

test("one that is too old or does not start is passed over with its reason", async () => {
  const searchPath = [join(folder, "none"), debian, broken, current].join(delimiter);
  const found = await findServerBinary({ searchPath });
  expect(found.path).toBe(join(current, "nats-server"));
  expect(found.refused[0]).toMatch(/2\.9\.10, older than 2\.12/);
  expect(found.refused[1]).toMatch(/broken.*does not start/);
});

test("without one on PATH the package's is taken", async () => {
  const found = await findServerBinary({ searchPath: debian });
  expect(found.from).toBe("package");
  expect(found.path).toMatch(/@eplightning\/nats-server-.*\/bin\/nats-server$/);
});

test("with neither the error lists what was tried and how to install one", async () => {
  const failing = findServerBinary({ searchPath: debian, packageRoot: folder });
  await expect(failing).rejects.toMatchObject({
    code: "ServerMissing",
    message: expect.stringMatching(/2\.9\.10.*is not installed.*brew install nats-server/s),
  });
  await expect(findServerBinary({ searchPath: "", packageRoot: folder })).rejects.toThrow(/no nats-server on PATH/);
});
