import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { RayflowError } from "../flow/index.ts";
import { type MicroService, startMicroService } from "./service.ts";
import { withServer } from "./testing.ts";

const nats = withServer({ topology: false });
beforeAll(nats.start);
afterAll(nats.stop);

async function echo(instance: string): Promise<MicroService> {
  const service = await startMicroService(nats.nc, {
    name: "rayflow",
    version: "0.1.0",
    description: "runs flows",
    metadata: { instance },
    endpoints: [
      {
        name: "echo",
        subject: "rayflow.svc.echo",
        metadata: { format: "json" },
        handler: async ({ data }) => ({ instance, text: new TextDecoder().decode(data) }),
      },
      { name: "raw", subject: "rayflow.svc.raw", handler: async ({ data }) => data },
      {
        name: "fail",
        subject: "rayflow.svc.fail",
        handler: async () => {
          throw new RayflowError("RunNotFound", "no run\r\nof that id");
        },
      },
    ],
  });
  onTestFinished(() => service.stop());
  return service;
}

async function askAll(subject: string): Promise<Record<string, unknown>[]> {
  const answers: Record<string, unknown>[] = [];
  try {
    const replies = await nats.nc.requestMany(subject, "", { strategy: "timer", maxWait: 200 });
    for await (const msg of replies) answers.push(msg.json());
  } catch (error) {
    // "No responders" is the answer of nobody; anything else is a failure.
    if (!/no responders/.test(String(error))) throw error;
  }
  return answers;
}

test("every instance answers PING, INFO and STATS; by name and by id too", async () => {
  const [a, b] = [await echo("a"), await echo("b")];
  expect((await askAll("$SRV.PING")).map(({ id }) => id).sort()).toEqual([a.id, b.id].sort());
  expect(await askAll("$SRV.PING.rayflow")).toHaveLength(2);
  expect(await askAll("$SRV.PING.other")).toHaveLength(0);
  const [info] = await askAll(`$SRV.INFO.rayflow.${a.id}`);
  expect(info).toMatchObject({
    type: "io.nats.micro.v1.info_response",
    name: "rayflow",
    id: a.id,
    version: "0.1.0",
    description: "runs flows",
    metadata: { instance: "a" },
  });
  expect(info?.endpoints).toContainEqual({
    name: "echo",
    subject: "rayflow.svc.echo",
    queue_group: "q",
    metadata: { format: "json" },
  });
});

test("requests are shared out, answered as JSON or bytes, and counted", async () => {
  const [a, b] = [await echo("a"), await echo("b")];
  for (let at = 0; at < 20; at++) {
    const answer = await nats.nc.request("rayflow.svc.echo", `m${at}`);
    expect(answer.json()).toMatchObject({ text: `m${at}` });
  }
  expect((await nats.nc.request("rayflow.svc.raw", "bytes")).string()).toBe("bytes");
  const counts = [a, b].map(({ stats }) => stats[0]?.num_requests ?? 0);
  expect(counts.reduce((sum, count) => sum + count)).toBe(20);
  const [stats] = await askAll(`$SRV.STATS.rayflow.${a.id}`);
  expect(stats).toMatchObject({ type: "io.nats.micro.v1.stats_response", started: expect.stringMatching(/^20/) });
});

test("a failure is an answer with the error headers, and one line of them", async () => {
  const service = await echo("a");
  const answer = await nats.nc.request("rayflow.svc.fail", "");
  expect(answer.headers?.get("Nats-Service-Error-Code")).toBe("404");
  expect(answer.headers?.get("Nats-Service-Error")).toBe("RunNotFound: no run of that id");
  expect(answer.json()).toMatchObject({ error: { code: "RunNotFound" } });
  expect(service.stats[2]).toMatchObject({ num_requests: 1, num_errors: 1 });
});

test("a stopped service answers nobody", async () => {
  const service = await echo("a");
  await service.stop();
  expect(await askAll("$SRV.PING")).toHaveLength(0);
  await expect(nats.nc.request("rayflow.svc.echo", "")).rejects.toThrow();
});

test("names and versions that the tools would not understand are refused", async () => {
  const base = { name: "a", version: "1.0.0", endpoints: [] };
  await expect(startMicroService(nats.nc, { ...base, name: "a b" })).rejects.toMatchObject({ code: "ValidationError" });
  await expect(startMicroService(nats.nc, { ...base, version: "1" })).rejects.toMatchObject({
    code: "ValidationError",
  });
});
