/** `rayflow dev`, what `npm start` runs. */
import path from "node:path";
import { describe, expect, it } from "vitest";
import { descendantsOf, isRunning, rayflow, root, startRayflow, temporaryFolder } from "./rayflow-process.ts";

/** Two tests never share it by luck: a taken port gives way to a free one. */
const somePort = () => String(20_000 + Math.floor(Math.random() * 20_000));

describe("rayflow dev", () => {
  it.each(["SIGINT", "SIGTERM"] as const)(
    "shows an example's result, stays up, and stops cleanly on %s",
    async (signal) => {
      const folder = temporaryFolder();
      try {
        const dev = startRayflow(["dev", "--port", somePort()], { cwd: folder.path });
        const said = await dev.until(/RayFlow is up/);
        expect(said).toMatch(/rayflow\.flow\.run/);
        expect(said).toMatch(/discount .*completed/);
        expect(said).toMatch(/full_price .*skipped/);
        expect(said).toMatch(/"to_pay": 112\.5/);
        const editor = /in the editor: (http:\S+)/.exec(await dev.until(/in the editor: http/))?.[1] ?? "";
        expect(await (await fetch(`${editor}/readyz`)).json()).toMatchObject({ ready: true });
        const started = descendantsOf(dev.child.pid ?? 0);
        dev.child.kill(signal);
        const { code, stderr } = await dev.ended;
        const troubles = stderr.split("\n").filter((line) => line !== "" && !line.includes('"level":30'));
        expect({ code, troubles }).toEqual({ code: 0, troubles: [] });
        await expect.poll(() => started.filter(isRunning)).toEqual([]);
      } finally {
        folder.remove();
      }
    },
  );

  it("starts again in the same folder, and other commands find it there", async () => {
    const folder = temporaryFolder();
    try {
      for (let round = 0; round < 2; round++) {
        const dev = startRayflow(["dev", "--port", somePort(), "--no-example"], { cwd: folder.path });
        await dev.until(/RayFlow is up/);
        const file = path.join(root, "examples", "flows", "sum.json");
        const run = await rayflow(["publish", file, "--input", '{"x": 5, "y": 3}', "--json"], { cwd: folder.path });
        expect(JSON.parse(run.stdout)).toMatchObject({ duplicate: false });
        dev.child.kill("SIGINT");
        expect((await dev.ended).code).toBe(0);
      }
    } finally {
      folder.remove();
    }
  });

  it("takes a temporary folder and a free port while another one has its own", async () => {
    const folder = temporaryFolder();
    try {
      const port = somePort();
      const first = startRayflow(["dev", "--port", port, "--no-example"], { cwd: folder.path });
      await first.until(/RayFlow is up/);
      const second = startRayflow(["dev", "--port", port, "--no-example"], { cwd: folder.path });
      const said = await second.until(/RayFlow is up/);
      expect(said).toMatch(/Another rayflow dev/);
      for (const dev of [second, first]) {
        dev.child.kill("SIGINT");
        expect((await dev.ended).code).toBe(0);
      }
    } finally {
      folder.remove();
    }
  });

  it("leaves nothing behind when it is killed", async () => {
    const folder = temporaryFolder();
    try {
      const dev = startRayflow(["dev", "--port", somePort(), "--no-example"], { cwd: folder.path });
      await dev.until(/RayFlow is up/);
      const started = descendantsOf(dev.child.pid ?? 0);
      dev.child.kill("SIGKILL");
      await dev.ended;
      await expect.poll(() => started.filter(isRunning), { timeout: 15_000 }).toEqual([]);
    } finally {
      folder.remove();
    }
  });
});
