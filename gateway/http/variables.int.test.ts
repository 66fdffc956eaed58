/** Variables, through HTTP. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { withGateway } from "./testing-http.ts";

const gateway = withGateway();
const { call } = gateway;
beforeAll(gateway.start, 60_000);
afterAll(gateway.stop, 60_000);

describe("variables", () => {
  it("are set from the revision that was read, listed and deleted", async () => {
    const path = `/api/variables/global/${encodeURIComponent("a b/ü")}`;
    expect((await call("PUT", path, { value: null }, { "If-Match": '"0"' })).json).toMatchObject({
      name: "a b/ü",
      value: null,
    });
    const got = await call("GET", path);
    expect(got.json).toMatchObject({ name: "a b/ü", value: null });
    const tag = got.headers.get("etag") ?? "";
    expect((await call("PUT", path, { value: { n: 1 } }, { "If-Match": tag })).status).toBe(200);
    expect(await call("PUT", path, { value: 2 }, { "If-Match": tag })).toMatchObject({
      status: 412,
      json: { code: "RevisionConflict" },
    });
    expect((await call("PUT", path, {})).status).toBe(400);
    expect((await call("GET", "/api/variables?scope=global")).json.variables).toEqual([
      { name: "a b/ü", value: { n: 1 }, revision: expect.any(Number) },
    ]);
    expect((await call("DELETE", path, undefined, { "If-Match": tag })).status).toBe(412);
    expect((await call("DELETE", path)).status).toBe(204);
    expect((await call("DELETE", path)).status).toBe(404);
  });

  it("of a flow are its own", async () => {
    await call("PUT", "/api/variables/flow/shop/count", { value: 1 });
    await call("PUT", "/api/variables/flow/other/count", { value: 2 });
    expect((await call("GET", "/api/variables?scope=flow:shop")).json.variables).toMatchObject([
      { name: "count", value: 1 },
    ]);
    expect((await call("GET", "/api/variables/run/rnone/count")).status).toBe(404);
  });
});
