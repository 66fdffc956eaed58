import { describe, expect, it } from "vitest";
import { startEmbeddedServer } from "../nats/index.ts";
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

describe("rayflow doctor", () => {
  it("finds nothing wrong with a running system", async () => {
    const dev = await startDev();
    try {
      const { code, healthy, checks } = await doctor("--server", dev.url);
      expect({ code, healthy, failed: checks.filter(({ level }) => level === "fail") }).toEqual({
        code: 0,
        healthy: true,
        failed: [],
      });
      expect(checks.map(({ name }) => name)).toEqual(
        expect.arrayContaining(["server", "RAYFLOW_LOG", "orchestrators", "actors"]),
      );
    } finally {
      await dev.stop();
    }
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

  it("says that a server does not answer", async () => {
    const { code, checks } = await doctor("--server", "nats://127.0.0.1:1");
    expect(code).toBe(1);
    expect(checks.at(-1)).toMatchObject({ name: "server", level: "fail" });
  });
});
