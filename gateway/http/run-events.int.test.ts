/** A run's log over HTTP, page by page and as it comes; folded by the reader it gives what the engine gave. */
import { connect, type Socket } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { flowBuilder } from "../../flow/testing.ts";
import { partitionOf } from "../../nats/index.ts";
import { foldRun, type LogEntry } from "../../orchestrator/index.ts";
import { eventually } from "../testing-runs.ts";
import { request, withGateway } from "./testing-http.ts";

const gateway = withGateway();
beforeAll(gateway.start, 60_000);
afterAll(gateway.stop, 60_000);

const loop = flowBuilder({ name: "loop" })
  .node("start", "start")
  .node("wait", "control_wait_signal", { config: { signal: "go" } })
  .node("each", "control_for_each", { constants: { list: [1, 2, 3, 4, 5, 6] } })
  .node("abs", "math_abs")
  .node("ret", "return")
  .chain("start", "wait", "each")
  .exec("each.body", "abs")
  .exec("each.completed", "ret")
  .data("each.item", "abs.x")
  .data("abs.result", "each.collect")
  .data("each.results", "ret.list")
  .build();

const start = async (): Promise<string> =>
  String((await gateway.call("POST", "/api/flows/execute?wait=false", { flow: loop })).json.run_id);
const go = (run: string) => gateway.call("POST", `/api/runs/${run}/signal`, { name: "go", payload: null });
const end = async (run: string) => (await gateway.call("GET", `/api/runs/${run}/result?wait=30`)).json;

interface Heard {
  readonly event: string;
  readonly id: number | undefined;
  readonly data: unknown;
}

/** Reads a stream as `fetch` gives it, until `stop` says so or it ends. */
async function listen(
  url: string,
  headers: Record<string, string>,
  stop: (heard: Heard[]) => boolean,
): Promise<Heard[]> {
  const leave = new AbortController();
  const answer = await fetch(url, { headers: { Accept: "text/event-stream", ...headers }, signal: leave.signal });
  expect(answer.headers.get("content-type")).toMatch(/^text\/event-stream/);
  const heard: Heard[] = [];
  let text = "";
  const decoder = new TextDecoder();
  for await (const chunk of answer.body ?? []) {
    text += decoder.decode(chunk, { stream: true });
    for (let at = text.indexOf("\n\n"); at >= 0; at = text.indexOf("\n\n")) {
      const fields = new Map(
        text
          .slice(0, at)
          .split("\n")
          .map((line) => [line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 2)]),
      );
      text = text.slice(at + 2);
      const event = fields.get("event");
      if (event === undefined) continue;
      const id = fields.get("id");
      heard.push({
        event,
        id: id === undefined ? undefined : Number(id),
        data: JSON.parse(fields.get("data") ?? "null"),
      });
    }
    if (stop(heard)) break;
  }
  leave.abort();
  return heard;
}

const events = (run: string) => `${gateway.url}/api/runs/${run}/events`;
const whole = () => false;
const entriesOf = (heard: Heard[]) =>
  heard.filter(({ event }) => event === "entry").map(({ data }) => data as LogEntry);
const fold = (run: string, entries: LogEntry[]) =>
  foldRun(run, partitionOf(run, gateway.rig.nats.topology.partitions), entries);

describe("GET /api/runs/<id>/events", () => {
  it("gives a live run's entries as they come, then its result, and ends", async () => {
    const run = await start();
    const listening = listen(events(run), {}, whole);
    await go(run);
    const heard = await listening;
    const entries = entriesOf(heard);
    expect(heard.map(({ id }) => id).slice(0, -1)).toEqual(entries.map(({ seq }) => seq));
    expect(heard.at(-1)).toMatchObject({ event: "end", data: { run_id: run, result: { list: [1, 2, 3, 4, 5, 6] } } });
    expect(fold(run, entries).result).toMatchObject({ success: true, result: { list: [1, 2, 3, 4, 5, 6] } });
  });

  it("gives a finished run's entries all the same", async () => {
    const run = await start();
    await go(run);
    const result = await end(run);
    const live = entriesOf(await listen(events(run), {}, whole));
    // From the history alone, once it is there.
    await eventually(async () => expect(await gateway.rig.directory.log.history.readResult(run)).toBeDefined());
    const heard = await listen(events(run), {}, whole);
    expect(entriesOf(heard).map(({ seq }) => seq)).toEqual(live.map(({ seq }) => seq));
    expect(heard.at(-1)?.data).toMatchObject({ result: result.result });
  });

  it("goes on behind Last-Event-ID: every entry once, whenever the reader was cut off", async () => {
    const run = await start();
    const first = await listen(events(run), {}, (heard) => heard.length >= 1);
    const cut = first.at(-1)?.id ?? 0;
    const rest = listen(events(run), { "Last-Event-ID": String(cut) }, whole);
    await go(run);
    const entries = [...entriesOf(first), ...entriesOf(await rest)];
    const all = entriesOf(await listen(events(run), {}, whole));
    expect(entries.map(({ seq }) => seq)).toEqual(all.map(({ seq }) => seq));
    expect(await listen(events(run), { "Last-Event-ID": String(all.at(-1)?.seq) }, whole)).toEqual([
      expect.objectContaining({ event: "end" }),
    ]);
  });

  it("refuses an id that is none", async () => {
    const run = await start();
    const answer = await fetch(events(run), { headers: { "Last-Event-ID": "x'; drop" } });
    expect(answer.status).toBe(400);
    await gateway.call("POST", `/api/runs/${run}/terminate`);
  });

  it("leaves nothing open when the reader goes", async () => {
    const run = await start();
    const open = await streamsOpen();
    const sockets: Socket[] = [];
    for (let n = 0; n < 5; n++) sockets.push(await rawStream(run));
    await eventually(async () => expect(await streamsOpen()).toBe(open + 5));
    for (const socket of sockets) socket.destroy();
    await eventually(async () => expect(await streamsOpen()).toBe(open));
    await gateway.call("POST", `/api/runs/${run}/terminate`);
  });

  it("cuts a reader off that takes nothing, long before it has read the log for it", async () => {
    const text = "x".repeat(200_000);
    const big = flowBuilder({ name: "big" })
      .node("start", "start")
      .node("each", "control_for_each", { constants: { list: Array.from({ length: 60 }, (_, n) => n) } })
      .node("say", "string_upper", { constants: { text } })
      .node("ret", "return")
      .chain("start", "each")
      .exec("each.body", "say")
      .exec("each.completed", "ret")
      .data("each.count", "ret.count")
      .build();
    const ran = await gateway.call("POST", "/api/flows/execute", { flow: big });
    expect(ran.json).toMatchObject({ success: true });
    const hasty = await gateway.open({ stalledMs: 400 });
    const socket = await rawStream(String(ran.json.run_id), hasty.url);
    socket.pause();
    const closed = new Promise<number>((done) => socket.on("close", () => done(socket.bytesRead)));
    await eventually(async () => expect(await streamsOpen(hasty.url)).toBe(0));
    socket.resume();
    const whole = await gateway.call("GET", `/api/runs/${ran.json.run_id}/log?limit=5000`);
    expect(whole.text.length).toBeGreaterThan(1_000_000);
    expect(await closed).toBeLessThan(60 * text.length);
  });

  it("takes no more readers than it may", async () => {
    const few = await gateway.open({ maxStreams: 1 });
    const run = await start();
    const leave = new AbortController();
    await fetch(`${few.url}/api/runs/${run}/events`, { signal: leave.signal });
    const refused = await fetch(`${few.url}/api/runs/${run}/events`);
    expect(refused.status).toBe(503);
    expect(refused.headers.get("retry-after")).toBe("2");
    leave.abort();
    await eventually(async () => {
      const again = new AbortController();
      const answer = await fetch(`${few.url}/api/runs/${run}/events`, { signal: again.signal });
      again.abort();
      expect(answer.status).toBe(200);
    });
    await gateway.call("POST", `/api/runs/${run}/terminate`);
  });

  it("ends its streams when the gateway stops; the run goes on, and so does the reader elsewhere", async () => {
    const stopping = await gateway.open();
    const run = await start();
    const heard = listen(`${stopping.url}/api/runs/${run}/events`, {}, whole);
    const waiting = fetch(`${stopping.url}/api/flows/execute`, {
      method: "POST",
      headers: { "Content-Type": "application/json", "Idempotency-Key": "waits-while-it-stops" },
      body: JSON.stringify({ flow: loop }),
    });
    await eventually(async () => {
      const { json } = await gateway.call("GET", "/api/runs?flow=loop&status=waiting");
      expect((json.runs as unknown[]).length).toBeGreaterThanOrEqual(2);
    });
    await stopping.stop();
    const before = await heard;
    expect(before.map(({ event }) => event)).toEqual(before.map(() => "entry"));
    const told = await waiting;
    expect(told.status).toBe(503);
    const other = ((await told.json()) as { run_id: string }).run_id;
    await go(run);
    await go(other);
    const last = String(before.at(-1)?.id);
    const after = await listen(events(run), { "Last-Event-ID": last }, whole);
    expect(fold(run, [...entriesOf(before), ...entriesOf(after)]).result?.success).toBe(true);
    expect(await end(other)).toMatchObject({ success: true });
    await expect(fetch(`${stopping.url}/healthz`)).rejects.toThrow();
  });
});

describe("GET /api/runs/<id>/log", () => {
  it("gives the same entries page by page", async () => {
    const run = await start();
    const early = (await gateway.call("GET", `/api/runs/${run}/log`)).json as unknown as Page;
    expect(early).toMatchObject({ ended: false, next: null });
    await go(run);
    await end(run);
    const found: LogEntry[] = [];
    for (let after: number | null = 0; after !== null; ) {
      const { json } = await gateway.call("GET", `/api/runs/${run}/log?limit=2&after=${after}`);
      const page = json as unknown as Page;
      expect(page.entries.length).toBeLessThanOrEqual(2);
      expect(page.ended).toBe(page.next === null);
      found.push(...page.entries);
      after = page.next;
    }
    const heard = entriesOf(await listen(events(run), {}, whole));
    expect(found).toEqual(heard);
    expect(fold(run, found).result).toMatchObject({ success: true });
  });
});

interface Page {
  readonly entries: LogEntry[];
  readonly next: number | null;
  readonly ended: boolean;
}

async function streamsOpen(url = gateway.url): Promise<number> {
  const { text } = await request(`${url}/metrics`, "GET");
  return Number(/^rayflow_http_streams_open (\d+)$/m.exec(text)?.[1]);
}

/** A reader that takes nothing. */
function rawStream(run: string, url = gateway.url): Promise<Socket> {
  const { port, host } = new URL(url);
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), "127.0.0.1", () => {
      socket.write(`GET /api/runs/${run}/events HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
      socket.once("data", () => resolve(socket));
    });
    socket.on("error", reject);
  });
}
