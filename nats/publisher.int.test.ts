import { JetStreamApiError } from "@nats-io/jetstream";
import { errors, headers, TimeoutError } from "@nats-io/transport-node";
import { afterAll, beforeAll, expect, test } from "vitest";
import { publisherOn } from "./publisher.ts";
import { subjects } from "./subjects.ts";
import { eventually, reconnected, withServer } from "./testing.ts";

const nats = withServer();
beforeAll(nats.start);
afterAll(nats.stop);

const subject = subjects.run(0, "r1");

test("tells of each message where it lies, and which was there before", async () => {
  const publisher = publisherOn(nats.nc);
  const acks = await Promise.all(
    Array.from({ length: 500 }, (_, at) => publisher.publish(subject, `{"n":${at}}`, { msgID: `tell-${at % 400}` })),
  );
  expect(acks.map(({ stream }) => stream)).toEqual(acks.map(() => "RAYFLOW_LOG"));
  expect(acks.filter(({ duplicate }) => duplicate)).toHaveLength(100);
  // In the order in which they were published.
  const fresh = acks.slice(0, 400).map(({ seq }) => seq);
  expect(fresh).toEqual(fresh.toSorted((a, b) => a - b));
});

test("headers travel with the message, the message id among them", async () => {
  const head = headers();
  head.set("Rayflow-Test", "yes");
  const own = nats.nc.subscribe(subject, { max: 1 });
  await publisherOn(nats.nc).publish(subject, "{}", { headers: head, msgID: "headed" });
  for await (const message of own) {
    expect(message.headers?.get("Rayflow-Test")).toBe("yes");
    expect(message.headers?.get("Nats-Msg-Id")).toBe("headed");
  }
});

test("what the server refuses fails with the server's reason", async () => {
  const expecting = headers();
  expecting.set("Nats-Expected-Last-Subject-Sequence", "999999");
  const refused = publisherOn(nats.nc).publish(subject, "{}", { headers: expecting });
  await expect(refused).rejects.toBeInstanceOf(JetStreamApiError);
});

test("a subject that no stream takes, and a message that is too large, fail at once", async () => {
  const publisher = publisherOn(nats.nc);
  await expect(publisher.publish("nobody.listens", "{}")).rejects.toBeInstanceOf(errors.NoRespondersError);
  const large = new Uint8Array(2 * 1024 * 1024);
  await expect(publisher.publish(subject, large)).rejects.toBeInstanceOf(errors.InvalidArgumentError);
  // One that cannot be sent takes none of its neighbours with it.
  const both = await Promise.allSettled([publisher.publish(subject, large), publisher.publish(subject, "{}")]);
  expect(both.map(({ status }) => status)).toEqual(["rejected", "fulfilled"]);
});

test("a message for nobody is told of, one that somebody gets is not", async () => {
  const publisher = publisherOn(nats.nc);
  const lost: string[] = [];
  const got: string[] = [];
  nats.nc.subscribe("somebody.*", { callback: (_, message) => void got.push(message.subject) });
  await nats.nc.flush();
  publisher.send("somebody.listens", "1", () => lost.push("somebody"));
  publisher.send("nobody.listens", "2", () => lost.push("nobody"));
  publisher.send("nobody.asks", "3");
  await eventually(() => lost.length > 0 && got.length > 0, "both are told of");
  expect({ lost, got }).toEqual({ lost: ["nobody"], got: ["somebody.listens"] });
});

test("what is open when the connection breaks fails then; what comes without one waits for it", async () => {
  const nc = await nats.connect("breaking");
  const publisher = publisherOn(nc);
  await nats.server.kill();
  await eventually(async () => {
    // Until the client has noticed, a message goes into the broken connection.
    const early = await publisher.publish(subject, "{}", { timeout: 200 }).catch((error: unknown) => error);
    return early instanceof TimeoutError;
  }, "the connection is gone");
  const waiting = publisher.publish(subject, "{}", { msgID: "waits", timeout: 20_000 });
  const impatient = expect(publisher.publish(subject, "{}", { timeout: 100 })).rejects.toBeInstanceOf(TimeoutError);
  await impatient;
  await nats.server.restart();
  expect((await waiting).stream).toBe("RAYFLOW_LOG");
  await reconnected(nats.nc);
});

test("a closed connection leaves nobody waiting", async () => {
  const nc = await nats.connect("closing");
  const publisher = publisherOn(nc);
  const open = publisher.publish(subject, "{}", { timeout: 30_000 }).catch((error: unknown) => error);
  await nc.close();
  await open;
  await expect(publisher.publish(subject, "{}")).rejects.toThrow();
});
