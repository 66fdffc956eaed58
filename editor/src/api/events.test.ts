import type { ServerResponse } from "node:http";
import { describe, expect, test } from "vitest";
import type { RunNews } from "./events.ts";
import { runEvents } from "./events.ts";
import { json, serve, type TestServer } from "./testing-server.ts";

const entry = (seq: number): string =>
  `event: entry\nid: ${seq}\ndata: ${JSON.stringify({ seq, timeMs: 1000 + seq, kind: "run", message: { kind: "timer" } })}\n\n`;
const end = `event: end\ndata: ${JSON.stringify({ run_id: "r1", success: true })}\n\n`;

function stream(response: ServerResponse, ...texts: string[]): void {
  response.writeHead(200, { "content-type": "text/event-stream" });
  for (const text of texts) response.write(text);
}

async function hear(server: TestServer, more: Parameters<typeof runEvents>[2] = {}, enough = 100): Promise<RunNews[]> {
  const heard: RunNews[] = [];
  for await (const news of runEvents({ baseUrl: server.baseUrl, token: () => "t" }, "r1", {
    firstRetryMs: 1,
    ...more,
  })) {
    heard.push(news);
    if (heard.length >= enough) break;
  }
  return heard;
}

const outline = (heard: readonly RunNews[]): unknown[] =>
  heard.map((news) => (news.kind === "entry" ? news.entry.seq : news.kind));

describe("a run's events", () => {
  test("are given in order up to the end, with comments and odd chunks in between", async () => {
    await using server = await serve((response) => {
      const all = `: hello\n\nretry: 10\n\n${entry(1)}: still here\n\n${entry(2)}${end}`;
      stream(response, all.slice(0, 20), all.slice(20, 90), all.slice(90));
      response.end();
    });
    const heard = await hear(server);
    expect(outline(heard)).toEqual(["open", 1, 2, "end"]);
    expect(heard.at(-1)).toEqual({ kind: "end", result: { run_id: "r1", success: true } });
    expect(server.seen[0]?.headers).toMatchObject({
      authorization: "Bearer t",
      accept: expect.stringContaining("text/event-stream"),
    });
    expect(server.seen[0]?.headers["last-event-id"]).toBeUndefined();
  });

  test("go on after the last entry that came when the connection breaks, each entry once", async () => {
    await using server = await serve((response, _, before) => {
      if (before === 0) {
        stream(response, entry(4), entry(5));
        setTimeout(() => response.destroy(), 20);
      } else if (before === 1) json(response, 503, { code: "NotReady", title: "starting" });
      else {
        stream(response, entry(5), entry(6), end);
        response.end();
      }
    });
    const heard = await hear(server, { after: 3 });
    expect(outline(heard)).toEqual(["open", 4, 5, "lost", "lost", "open", 6, "end"]);
    expect(server.seen.map(({ headers }) => headers["last-event-id"])).toEqual(["3", "5", "5"]);
  });

  test("wait longer after each loss in a row, up to the cap", async () => {
    await using server = await serve((response) => json(response, 500, {}));
    const heard = await hear(server, { firstRetryMs: 1, maxRetryMs: 5 }, 5);
    expect(heard.map((news) => news.kind === "lost" && news.retryMs)).toEqual([1, 2, 4, 5, 5]);
  });

  test("end with an error at once where another try would not help", async () => {
    await using server = await serve((response) => json(response, 404, { code: "RunNotFound", detail: "no run r1" }));
    await expect(hear(server)).rejects.toMatchObject({ code: "RunNotFound", status: 404 });
    expect(server.seen).toHaveLength(1);
  });

  test("of a run that was just submitted are waited for, but not for ever", async () => {
    await using server = await serve((response, _, before) => {
      if (before < 2) json(response, 404, { code: "RunNotFound", detail: "no run r1" });
      else stream(response, end);
    });
    expect(outline(await hear(server, { newForMs: 60_000 }))).toEqual(["lost", "lost", "open", "end"]);
    await using empty = await serve((response) => json(response, 404, { code: "RunNotFound" }));
    await expect(hear(empty, { newForMs: 20 })).rejects.toMatchObject({ code: "RunNotFound" });
  });

  test("that break off with a reason give it", async () => {
    const problem = `event: problem\ndata: ${JSON.stringify({ status: 500, code: "Broken", detail: "no more" })}\n\n`;
    await using server = await serve((response, _, before) => stream(response, before === 0 ? problem : end));
    const heard = await hear(server);
    expect(heard[1]).toMatchObject({ kind: "lost", error: { code: "Broken", message: "no more" } });
    expect(outline(heard)).toEqual(["open", "lost", "open", "end"]);
  });

  test("that fall silent count as lost", async () => {
    await using server = await serve((response, _, before) => {
      if (before === 0) stream(response, entry(1));
      else stream(response, end);
    });
    expect(outline(await hear(server, { silenceMs: 50 }))).toEqual(["open", 1, "lost", "open", "end"]);
  });

  test("stop when nobody wants them any more, also in a pause between two tries", async () => {
    await using server = await serve((response) => json(response, 500, {}));
    const abort = new AbortController();
    const heard: RunNews[] = [];
    const following = async (): Promise<void> => {
      const options = { signal: abort.signal, firstRetryMs: 60_000, maxRetryMs: 60_000 };
      for await (const news of runEvents({ baseUrl: server.baseUrl }, "r1", options)) {
        heard.push(news);
        abort.abort(new Error("closed"));
      }
    };
    await expect(following()).rejects.toThrow("closed");
    expect(outline(heard)).toEqual(["lost"]);
  });
});
