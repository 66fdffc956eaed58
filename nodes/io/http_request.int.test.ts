import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type FakeContextOptions, fakeContext } from "../../actors/testing.ts";
import httpRequest from "./http_request.ts";

interface Seen {
  method: string;
  url: string;
  headers: IncomingMessage["headers"];
  body: string;
}

let server: Server;
let other: Server;
let origin: string;
let otherOrigin: string;

beforeAll(async () => {
  [server, other] = [createServer(serve), createServer(serve)];
  [origin, otherOrigin] = await Promise.all([listen(server), listen(other)]);
});
afterAll(() => {
  for (const one of [server, other]) {
    one.closeAllConnections();
    one.close();
  }
});

async function listen(one: Server): Promise<string> {
  await new Promise<void>((resolve) => one.listen(0, "127.0.0.1", resolve));
  return `http://127.0.0.1:${(one.address() as AddressInfo).port}`;
}

async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const url = new URL(request.url ?? "/", "http://x");
  const seen: Seen = {
    method: request.method ?? "",
    url: request.url ?? "",
    headers: request.headers,
    body: Buffer.concat(chunks).toString(),
  };
  const json = (value: unknown, status = 200) =>
    response.writeHead(status, { "content-type": "application/json; charset=utf-8" }).end(JSON.stringify(value));
  const redirect = (status: number, location: string) => response.writeHead(status, { location }).end();

  const status = Number(url.searchParams.get("status") ?? 302);
  switch (url.pathname) {
    case "/echo":
      return void json(seen);
    case "/status":
      return void json({ no: true }, status);
    case "/text":
      return void response.writeHead(200, { "content-type": "text/plain; charset=latin1" }).end(Buffer.from([0xe4]));
    case "/bad-json":
      return void response.writeHead(200, { "content-type": "application/json" }).end("{");
    case "/problem":
      return void response.writeHead(200, { "content-type": "application/problem+json" }).end('{"a":1}');
    case "/empty":
      return void response.writeHead(204).end();
    case "/gzip":
      return void response.writeHead(200, { "content-encoding": "gzip" }).end(gzipSync("zipped"));
    case "/bomb":
      return void response.writeHead(200, { "content-encoding": "gzip" }).end(gzipSync(Buffer.alloc(8 * 1024 * 1024)));
    case "/large":
      return void response.writeHead(200).end(Buffer.alloc(2 * 1024 * 1024));
    case "/hang":
      return void response.writeHead(200, { "content-type": "text/plain" }).write("x");
    case "/drop":
      return void request.socket.destroy();
    case "/loop":
      return void redirect(302, "/loop");
    case "/to":
      return void redirect(status, url.searchParams.get("where") ?? "");
    default:
      return void json({}, 404);
  }
}

function run(path: string, config: object = {}, inputs: object = {}, context: FakeContextOptions = {}) {
  const url = path.startsWith("/") ? `${origin}${path}` : path;
  const ctx = fakeContext({ resources: { allowPrivateAddresses: true }, ...context });
  if (!httpRequest.execute) throw new Error("no code");
  return httpRequest.execute({ ...inputs }, { url, ...config }, ctx).then(({ outputs }) => outputs);
}
const echo = async (...args: Parameters<typeof run>) => (await run(...args)).response as Seen;

describe("the request", () => {
  it("carries method, query, headers and a JSON body", async () => {
    const seen = await echo(
      "/echo?a=1",
      { method: "POST" },
      { body: { x: [1] }, query: { b: "ä&", c: [1, 2], d: null }, headers: { "X-Own": 5 } },
    );
    expect(seen).toMatchObject({ method: "POST", url: "/echo?a=1&b=%C3%A4%26&c=1&c=2", body: '{"x":[1]}' });
    expect(seen.headers).toMatchObject({
      "x-own": "5",
      "content-type": "application/json",
      "idempotency-key": "rtest:node@",
    });
  });

  it("a GET has no body and no idempotency key", async () => {
    const seen = await echo("/echo");
    expect(seen).toMatchObject({ method: "GET", body: "" });
    expect(seen.headers).not.toHaveProperty("idempotency-key");
    await expect(run("/echo", {}, { body: { a: 1 } })).rejects.toMatchObject({ code: "ValidationError" });
  });

  it("text with a content type of its own is sent as it is", async () => {
    const headers = { "Content-Type": "text/csv" };
    expect((await echo("/echo", { method: "PUT" }, { body: "a,b", headers })).body).toBe("a,b");
    expect((await echo("/echo", { method: "PUT" }, { body: "a,b" })).body).toBe('"a,b"');
  });

  it.each([[{ Host: "x" }], [{ "Transfer-Encoding": "chunked" }], [{ "bad name": "x" }], [{ a: "x\r\ny: z" }]])(
    "the headers %j are refused",
    async (headers) => {
      await expect(run("/echo", {}, { headers })).rejects.toMatchObject({ code: "ValidationError" });
    },
  );

  it.each(["ftp://example.com/", "file:///etc/passwd", "no url", "//example.com"])("%s is refused", async (url) => {
    await expect(run(`x`, { url })).rejects.toMatchObject({ code: "ValidationError" });
  });
});

describe("the response", () => {
  it.each<[string, unknown]>([
    ["/text", "ä"],
    ["/bad-json", "{"],
    ["/problem", { a: 1 }],
    ["/empty", null],
    ["/gzip", "zipped"],
  ])("of %s is %j", async (path, response) => {
    expect((await run(path)).response).toEqual(response);
  });

  it("has its status and headers", async () => {
    const outputs = await run("/status?status=201");
    expect(outputs).toMatchObject({ status_code: 201, headers: { "content-type": "application/json; charset=utf-8" } });
  });

  it.each([
    [400, false],
    [404, false],
    [429, true],
    [500, true],
    [503, true],
  ])("status %i is an HttpError, retryable: %s", async (status, retryable) => {
    await expect(run(`/status?status=${status}`)).rejects.toMatchObject({
      code: "HttpError",
      retryable,
      details: { status, response: { no: true } },
    });
    const outputs = await run(`/status?status=${status}`, { fail_on_status: false });
    expect(outputs).toMatchObject({ status_code: status, response: { no: true } });
  });

  it("more than 1 MiB is refused, unpacked too", async () => {
    await expect(run("/large")).rejects.toMatchObject({ code: "PayloadTooLarge", retryable: false });
    await expect(run("/bomb")).rejects.toMatchObject({ code: "PayloadTooLarge" });
  });

  it("a lost connection and a refused one are worth another try", async () => {
    await expect(run("/drop")).rejects.toMatchObject({ code: "HttpError", retryable: true });
    await expect(run("http://127.0.0.1:1/")).rejects.toMatchObject({
      code: "HttpError",
      retryable: true,
      details: { cause: "ECONNREFUSED" },
    });
  });

  it("that does not end is given up after the timeout, or at once when the execution is aborted", async () => {
    await expect(run("/hang", { timeout: "100ms" })).rejects.toMatchObject({
      code: "HttpError",
      retryable: true,
      details: { timeout_ms: 100 },
    });
    const controller = new AbortController();
    const running = run("/hang", {}, {}, { signal: controller.signal });
    setTimeout(() => controller.abort(new Error("cancelled")), 50);
    await expect(running).rejects.toThrow("cancelled");
  });
});

describe("redirects", () => {
  const to = (where: string, status = 302) => `/to?status=${status}&where=${encodeURIComponent(where)}`;

  it("are followed, five at most", async () => {
    expect((await run(to("/text"))).response).toBe("ä");
    await expect(run("/loop")).rejects.toMatchObject({ code: "HttpError", retryable: false });
  });

  it.each([
    [302, "POST", "GET", ""],
    [303, "PUT", "GET", ""],
    [302, "PUT", "PUT", '{"a":1}'],
    [307, "POST", "POST", '{"a":1}'],
    [308, "PATCH", "PATCH", '{"a":1}'],
  ])("%i turns %s into %s with body %j", async (status, method, then, body) => {
    expect(await echo(to("/echo", status), { method }, { body: { a: 1 } })).toMatchObject({ method: then, body });
  });

  it("keep secrets on the same origin and drop them on another", async () => {
    // Any header may hold a key.
    const headers = { Authorization: "Bearer x", Cookie: "a=b", "X-Api-Key": "1", "Accept-Language": "fi" };
    expect((await echo(to("/echo"), {}, { headers })).headers).toMatchObject({
      authorization: "Bearer x",
      cookie: "a=b",
      "x-api-key": "1",
    });
    const { headers: seen } = await echo(to(`${otherOrigin}/echo`), {}, { headers });
    expect(seen).toMatchObject({ "accept-language": "fi" });
    for (const name of ["authorization", "cookie", "x-api-key"]) expect(seen).not.toHaveProperty(name);
  });

  it("do not lead to other schemes", async () => {
    await expect(run(to("file:///etc/passwd"))).rejects.toMatchObject({ code: "ValidationError" });
    await expect(run(to("http://"))).rejects.toMatchObject({ code: "HttpError", retryable: false });
  });
});

describe("private addresses", () => {
  const guarded = { resources: { allowPrivateAddresses: false } };

  it.each([
    "http://127.0.0.1:PORT/text",
    "http://localhost:PORT/text",
    "http://2130706433:PORT/text",
    "http://0x7f.1:PORT/text",
    "http://0:PORT/text",
    "http://[::1]:PORT/text",
    "http://[::ffff:127.0.0.1]:PORT/text",
    "http://169.254.169.254/latest/meta-data/",
    "http://user:pass@127.0.0.1:PORT/text",
  ])("%s is refused", async (url) => {
    const port = new URL(origin).port;
    await expect(run(url.replace("PORT", port), {}, {}, guarded)).rejects.toMatchObject({
      code: "AddressNotAllowed",
      retryable: false,
    });
  });

  it("an address of a network that the deployment allows is reached, its neighbours are not", async () => {
    const { port } = new URL(origin);
    const within = (...networks: string[]) => ({ resources: { ...guarded.resources, allowedAddresses: networks } });
    const reached = await run(`http://127.0.0.1:${port}/echo`, {}, {}, within("127.0.0.0/24"));
    expect(reached).toMatchObject({ status_code: 200 });
    const asked = run(`http://127.0.0.1:${port}/echo`, {}, {}, within("127.0.1.0/24", "::1"));
    await expect(asked).rejects.toMatchObject({ code: "AddressNotAllowed" });
  });
});
