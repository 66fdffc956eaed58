import { jetstreamManager } from "@nats-io/jetstream";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { connectNats, startEmbeddedServer } from "../nats/index.ts";
import { rayflow, startDev } from "./rayflow-process.ts";

interface Check {
  name: string;
  level: string;
  message: string;
  advice?: string;
}

async function doctor(...args: string[]): Promise<{ code: number | null; healthy: boolean; checks: Check[] }> {
  const { code, stdout } = await rayflow(["doctor", "--json", ...args]);
  return { code, ...JSON.parse(stdout) };
}

let dev: Awaited<ReturnType<typeof startDev>>;
beforeAll(async () => {
  dev = await startDev();
});
afterAll(() => dev.stop());

describe("rayflow doctor", () => {
  it("finds nothing wrong with a running system", async () => {
    const { code, healthy, checks } = await doctor("--server", dev.url);
    expect({ code, healthy, failed: checks.filter(({ level }) => level === "fail") }).toEqual({
      code: 0,
      healthy: true,
      failed: [],
    });
    expect(checks.map(({ name }) => name)).toEqual(
      expect.arrayContaining(["server", "RAYFLOW_LOG", "orchestrators", "actors"]),
    );
  });

  it("says what is missing on an empty server, and what to do", async () => {
    await using server = await startEmbeddedServer();
    const { code, checks } = await doctor("--server", server.url);
    expect(code).toBe(1);
    expect(checks.find(({ level }) => level === "fail")).toMatchObject({
      name: "streams",
      advice: expect.stringMatching(/rayflow orchestrator/),
    });
  });

  it("puts right what is missing, and prints a line for each check", async () => {
    const nc = await connectNats({ name: "test", servers: dev.url });
    try {
      const jsm = await jetstreamManager(nc);
      await jsm.streams.delete("KV_rayflow_cache");
      const broken = await doctor("--server", dev.url);
      expect([broken.code, broken.healthy]).toEqual([1, false]);
      expect(broken.checks.find(({ level }) => level === "fail")).toMatchObject({
        name: "streams",
        message: "missing: KV_rayflow_cache",
        advice: expect.stringMatching(/rayflow doctor --fix/),
      });
      const { code, stdout } = await rayflow(["doctor", "--fix", "--server", dev.url]);
      expect(stdout).toMatch(/^ok {4}fix {16}set up as it should be: KV_rayflow_cache$/m);
      expect(stdout).toMatch(/^ok {4}storage {12}a message is stored when it is sent$/m);
      expect(code).toBe(0);
    } finally {
      await nc.close();
    }
  });

  it("says that a server does not answer", async () => {
    const { code, checks } = await doctor("--server", "nats://127.0.0.1:1");
    expect(code).toBe(1);
    expect(checks.at(-1)).toMatchObject({ name: "server", level: "fail" });
  });
});
