/** The address check on every hop. No public server is at hand, so 127.0.0.2 stands for one. */
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { fakeContext } from "../../actors/testing.ts";
import httpRequest from "./http_request.ts";

vi.mock("./_address.ts", () => ({
  isPublicAddress: (address: string) => address === "127.0.0.2",
  networks: () => () => false,
}));

let server: Server;
let port: number;
let hits: string[] = [];

beforeAll(async () => {
  server = createServer((request, response) => {
    hits.push(request.headers.host ?? "");
    const location = new URL(request.url ?? "/", "http://x").searchParams.get("where");
    response.writeHead(location ? 302 : 200, location ? { location } : {}).end("reached");
  });
  await new Promise<void>((resolve) => server.listen(0, "0.0.0.0", resolve));
  port = (server.address() as AddressInfo).port;
});
afterAll(() => {
  server.close();
});

const run = (where: string) => {
  hits = [];
  const url = `http://127.0.0.2:${port}/?where=${encodeURIComponent(where)}`;
  return httpRequest.execute?.({}, { url }, fakeContext());
};

it("a redirect to a public address is followed", async () => {
  expect((await run(`http://127.0.0.2:${port}/`))?.outputs.response).toBe("reached");
  expect(hits).toHaveLength(2);
});

it.each(["http://127.0.0.1:PORT/", "http://localhost:PORT/", "http://[::ffff:127.0.0.1]:PORT/"])(
  "a redirect to %s is refused before anything is sent there",
  async (where) => {
    await expect(run(where.replace("PORT", String(port)))).rejects.toMatchObject({ code: "AddressNotAllowed" });
    expect(hits).toEqual([`127.0.0.2:${port}`]);
  },
);
