import { jetstream } from "@nats-io/jetstream";
import { TimeoutError } from "@nats-io/transport-node";
import { afterAll, beforeAll, expect, test } from "vitest";
import { subjects } from "./subjects.ts";
import { reconnected, withServer } from "./testing.ts";

const nats = withServer();
beforeAll(nats.start);
afterAll(nats.stop);

test("requests under way fail the moment the connection breaks, not after their timeout", async () => {
  nats.nc.subscribe("silence", { callback: () => {} });
  await nats.nc.flush();
  const asked = expect(nats.nc.request("silence", "", { timeout: 30_000 })).rejects.toBeInstanceOf(TimeoutError);
  const start = performance.now();
  await nats.server.kill();
  await asked;
  expect(performance.now() - start).toBeLessThan(2_000);
  await nats.server.restart();
  await reconnected(nats.nc);
});

test("requests made without a connection are sent when there is one again", async () => {
  await nats.server.kill();
  await new Promise((done) => setTimeout(done, 50));
  const publishing = Array.from({ length: 10 }, (_, at) =>
    jetstream(nats.nc).publish(subjects.run(0, "r1"), "{}", { msgID: `m${at}`, timeout: 10_000 }),
  );
  await nats.server.restart();
  const acks = await Promise.all(publishing);
  expect(new Set(acks.map(({ seq }) => seq)).size).toBe(10);
});

test("they wait no longer than their timeout", async () => {
  await nats.server.kill();
  await new Promise((done) => setTimeout(done, 50));
  const start = performance.now();
  await expect(nats.nc.request("x", "", { timeout: 300 })).rejects.toBeInstanceOf(TimeoutError);
  expect(performance.now() - start).toBeLessThan(1_000);
  await nats.server.restart();
  await reconnected(nats.nc);
});

test("a closed connection lets nobody wait", async () => {
  const nc = await nats.connect();
  await nats.server.kill();
  await new Promise((done) => setTimeout(done, 50));
  const asked = nc.request("x", "", { timeout: 30_000 });
  const settled = expect(asked).rejects.toThrow();
  await nc.close();
  await settled;
  await nats.server.restart();
});
