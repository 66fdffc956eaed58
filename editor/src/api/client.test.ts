import { describe, expect, test } from "vitest";
import { createClient } from "./client.ts";
import { json, serve } from "./testing-server.ts";

describe("a request", () => {
  test("carries the token as it is at that moment, and JSON", async () => {
    await using server = await serve((response) => json(response, 202, { run_id: "r1" }));
    let token: string | undefined;
    const client = createClient({ baseUrl: server.baseUrl, token: () => token });
    await client.start({ flow: { nodes: [], edges: [] }, inputs: { a: 1 }, options: { breakpoints: ["n"] } }, "key-1");
    token = "secret";
    expect(await client.start({ flowRef: "pay", inputs: {} })).toEqual({ run_id: "r1" });
    const [first, second] = server.seen;
    expect(first).toMatchObject({ method: "POST", url: "/api/flows/execute?wait=false" });
    expect(first?.headers).toMatchObject({ "idempotency-key": "key-1", "content-type": "application/json" });
    expect(first?.headers.authorization).toBeUndefined();
    expect(JSON.parse(first?.body ?? "")).toEqual({
      flow: { nodes: [], edges: [] },
      inputs: { a: 1 },
      options: { breakpoints: ["n"] },
    });
    expect(second?.headers).toMatchObject({ authorization: "Bearer secret" });
  });

  test("writes names and filters into the address so that none is taken for something else", async () => {
    await using server = await serve((response) => json(response, 200, {}));
    const client = createClient({ baseUrl: server.baseUrl });
    await client.flow("a/b ?c", "v&1");
    await client.runs({ status: "failed", flow: undefined, since: "2026-01-01T00:00:00+01:00", limit: 5 });
    await client.setVariable("flow:my:flow", "x/y", null, 3);
    await client.variables("global");
    expect(server.seen.map(({ url }) => url)).toEqual([
      "/api/flows/a%2Fb%20%3Fc?version=v%261",
      "/api/runs?status=failed&since=2026-01-01T00%3A00%3A00%2B01%3A00&limit=5",
      "/api/variables/flow/my%3Aflow/x%2Fy",
      "/api/variables?scope=global",
    ]);
    expect(server.seen[2]).toMatchObject({ method: "PUT", body: '{"value":null}', headers: { "if-match": '"3"' } });
  });

  test("that saves names what it takes the place of", async () => {
    await using server = await serve((response) => json(response, 200, { name: "f", revision: 8 }));
    const client = createClient({ baseUrl: server.baseUrl });
    await client.saveFlow("f", {}, "nothing");
    await client.saveFlow("f", {}, { revision: 7 });
    await client.saveFlow("f", {});
    const conditions = server.seen.map(({ headers }) => [headers["if-none-match"], headers["if-match"]]);
    expect(conditions).toEqual([
      ["*", undefined],
      [undefined, '"7"'],
      [undefined, undefined],
    ]);
  });

  test("that is answered with nothing gives nothing", async () => {
    await using server = await serve((response) => response.writeHead(204).end());
    expect(await createClient({ baseUrl: server.baseUrl }).deleteFlow("f")).toBeUndefined();
  });
});

describe("a refusal", () => {
  test("is an error with the gateway's code, words and issues", async () => {
    const errors = [{ code: "NO_START", message: "no START", node_id: "a" }, "not an issue", null];
    await using server = await serve((response) =>
      json(
        response,
        422,
        { type: "about:blank", title: "Invalid flow", status: 422, detail: "1 error", code: "InvalidFlow", errors },
        "application/problem+json",
      ),
    );
    await expect(createClient({ baseUrl: server.baseUrl }).validate({})).rejects.toMatchObject({
      name: "ApiError",
      code: "InvalidFlow",
      status: 422,
      message: "1 error",
      issues: [{ code: "NO_START", node_id: "a" }],
    });
  });

  test("that is no problem document still says its status", async () => {
    await using server = await serve((response) => response.writeHead(502).end("<html>Bad gateway</html>"));
    await expect(createClient({ baseUrl: server.baseUrl }).nodes()).rejects.toMatchObject({
      code: "Http502",
      status: 502,
      message: "the server answered 502 Bad Gateway",
      issues: [],
    });
  });

  test("that is a page where JSON was asked for is told apart from data", async () => {
    await using server = await serve((response) =>
      response.writeHead(200, { "content-type": "text/html" }).end("<html></html>"),
    );
    await expect(createClient({ baseUrl: server.baseUrl }).config()).rejects.toMatchObject({ code: "BadAnswer" });
  });
});

test("a server that is not there is unreachable", async () => {
  const server = await serve(() => {});
  await server[Symbol.asyncDispose]();
  const client = createClient({ baseUrl: server.baseUrl });
  await expect(client.flows()).rejects.toMatchObject({ code: "Unreachable", status: 0 });
});

test("an abandoned request rejects with the reason it was abandoned for", async () => {
  await using server = await serve(() => {});
  const abort = new AbortController();
  const asked = createClient({ baseUrl: server.baseUrl }).runs({}, { signal: abort.signal });
  abort.abort(new Error("the list was closed"));
  await expect(asked).rejects.toThrow("the list was closed");
});
