import { createServer, type Server } from "node:net";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { connectNats, requireServer } from "./connection.ts";
import { startEmbeddedServer } from "./embedded-server.ts";
import { reconnected, withServer } from "./testing.ts";

const nats = withServer({ topology: false });
beforeAll(nats.start);
afterAll(nats.stop);

let listener: Server | undefined;
afterEach(() => listener?.close());

/** The port of a TCP server that does this with whoever connects. */
function listen(onConnection: (write: (text: string) => void) => void): Promise<number> {
  return new Promise((done) => {
    listener = createServer((socket) => {
      socket.on("error", () => {});
      onConnection((text) => socket.write(text));
    }).listen(0, "127.0.0.1", () => {
      const address = listener?.address();
      done(typeof address === "object" && address !== null ? address.port : 0);
    });
  });
}

test("nobody listens: ConnectionFailed at once, and the password stays out of it", async () => {
  const start = performance.now();
  const failing = connectNats({ name: "t", servers: ["nats://me:secret@127.0.0.1:1", "127.0.0.1:2"] });
  const error = await failing.catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ code: "ConnectionFailed", message: expect.stringMatching(/127\.0\.0\.1:2/) });
  expect(String(error)).not.toMatch(/secret/);
  expect(performance.now() - start).toBeLessThan(2_000);
});

test("somebody listens and says nothing: ConnectionFailed after timeoutMs", async () => {
  const port = await listen(() => {});
  const failing = connectNats({ name: "t", servers: `127.0.0.1:${port}`, timeoutMs: 300 });
  await expect(failing).rejects.toMatchObject({ code: "ConnectionFailed" });
});

test("a wrong password is a failed connection", async () => {
  await using server = await startEmbeddedServer({ extraConfig: "authorization { user: a, password: b }" });
  await expect(connectNats({ name: "t", servers: server.url, user: "a", pass: "x" })).rejects.toMatchObject({
    code: "ConnectionFailed",
    message: expect.stringMatching(/authorization/i),
  });
  const nc = await connectNats({ name: "t", servers: server.url, user: "a", pass: "b" });
  await nc.close();
});

test("a missing credentials file is named", async () => {
  await expect(connectNats({ name: "t", creds: "/nowhere/x.creds" })).rejects.toThrow(/\/nowhere\/x\.creds/);
});

test("a server with JetStream is good enough", async () => {
  expect((await requireServer(nats.nc)).version).toMatch(/^2\./);
});

test("an old server is refused", async () => {
  const port = await listen((write) => {
    write('INFO {"server_id":"x","version":"2.9.10","proto":1,"headers":true,"max_payload":1048576}\r\n');
    setTimeout(() => write("PONG\r\n"), 20);
  });
  const nc = await connectNats({ name: "t", servers: `127.0.0.1:${port}` });
  await expect(requireServer(nc)).rejects.toMatchObject({ code: "ServerTooOld" });
  await nc.close();
});

test("a server without JetStream is refused", async () => {
  // One account without JetStream beside the system's: the server has it, the client does not.
  const extraConfig = 'accounts { PLAIN { users: [{user: "p", password: "p"}] } }';
  await using server = await startEmbeddedServer({ extraConfig });
  const nc = await connectNats({ name: "t", servers: server.url, user: "p", pass: "p" });
  await expect(requireServer(nc)).rejects.toMatchObject({ code: "JetStreamDisabled" });
  await nc.close();
});

test("a connection outlives the server", async () => {
  const nc = await nats.connect();
  const statuses = nc.status()[Symbol.asyncIterator]();
  const next = (async () => {
    for (;;) {
      const { value, done } = await statuses.next();
      if (done === true) return "closed";
      if (value.type === "reconnect") return "reconnected";
    }
  })();
  await nats.server.kill();
  await nats.server.restart();
  expect(await next).toBe("reconnected");
  await reconnected(nc);
});
