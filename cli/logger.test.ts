import { context, TraceFlags, trace } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createLogger } from "./logger.ts";
import { REDACTED, redact, redactText } from "./redact.ts";

/** A logger, and the lines that it wrote. */
async function logged(level?: "debug" | "warn") {
  const lines: string[] = [];
  const logger = await createLogger({
    environment: { NO_COLOR: true, ...(level === undefined ? {} : { RAYFLOW_LOG_LEVEL: level }) },
    defaultLevel: "info",
    name: "test",
    destination: { write: (line: string) => void lines.push(line) },
  });
  return { logger, lines, last: () => JSON.parse(lines.at(-1) ?? "{}") as Record<string, unknown> };
}

const SECRET = "hunter2-and-more";

describe("what is logged", () => {
  /** Everything that anybody may hand to a logger, with a secret somewhere in it. */
  const leaks: Record<string, unknown[]> = {
    "a field": [{ password: SECRET }, "x"],
    "a field in camel case": [{ apiKey: SECRET, accessToken: SECRET }, "x"],
    "a field with a prefix": [{ db_password: SECRET, MY_API_KEY: SECRET, "x-auth-token": SECRET }, "x"],
    "a field deep inside": [{ a: { b: [{ c: { client_secret: SECRET } }] } }, "x"],
    "an object behind such a name": [{ credentials: { user: "ada", key: SECRET } }, "x"],
    "a list behind such a name": [{ tokens: [SECRET] }, "x"],
    "a map and a set": [
      { headers: new Map([["authorization", SECRET]]), urls: new Set([`nats://a:${SECRET}@h`]) },
      "x",
    ],
    "headers of HTTP": [{ req: { headers: { authorization: `Bearer ${SECRET}`, cookie: SECRET } } }, "x"],
    "an address": [{ server: `nats://ada:${SECRET}@127.0.0.1:4222` }, "x"],
    "an address with a token": [{ servers: [`tls://${SECRET}@example.com`] }, "x"],
    "a URL": [{ url: new URL(`https://ada:${SECRET}@example.com/x?token=${SECRET}`) }, "x"],
    "a query": [{ path: `/api?x=1&api_key=${SECRET}&y=2` }, "x"],
    "the message": [{}, `cannot connect to nats://ada:${SECRET}@127.0.0.1`],
    "the message alone": [`authorization: Bearer ${SECRET}`],
    "what is filled into the message": ["sent %s", `{"password": "${SECRET}"}`],
    "an object that is filled in": ["sent %j", { password: SECRET }],
    "JSON in a text": [{ body: JSON.stringify({ user: "ada", password: SECRET, n: 1 }) }, "x"],
    "JSON in JSON in a text": [{ body: JSON.stringify({ inner: JSON.stringify({ apiKey: SECRET, n: 1 }) }) }, "x"],
    "an error's message": [{ err: new Error(`login as nats://ada:${SECRET}@h failed`) }, "x"],
    "an error alone": [new Error(`https://ada:${SECRET}@h failed`)],
    "an error with no message beside it": [{ err: new Error(`https://ada:${SECRET}@h failed`) }],
    "an error's cause": [{ err: new Error("x", { cause: new Error(`password=${SECRET}`) }) }, "x"],
    "what hangs on an error": [{ err: Object.assign(new Error("x"), { config: { auth: { password: SECRET } } }) }, "x"],
    "an error under another name": [{ problem: Object.assign(new Error("x"), { token: SECRET }) }, "x"],
    "an error's own info": [{ error: { code: "X", message: `Bearer ${SECRET}`, details: { token: SECRET } } }, "x"],
    "what says itself how it is written": [{ it: { toJSON: () => ({ secret: SECRET }) } }, "x"],
    "a key in PEM": [{ text: `-----BEGIN PRIVATE KEY-----\n${SECRET}\n-----END PRIVATE KEY-----` }, "x"],
  };
  it.each(Object.keys(leaks))("holds no secret: %s", async (name) => {
    const { logger, lines } = await logged();
    (logger.info as (...args: unknown[]) => void)(...(leaks[name] ?? []));
    logger.child(leaks[name]?.find((part) => typeof part === "object") ?? {}).warn("y");
    expect(lines).toHaveLength(2);
    expect(lines.join("")).not.toContain(SECRET);
    expect(lines.join("")).toMatch(/\[redacted\]|"x"|\[circular\]/);
  });

  it("keeps what is no secret", async () => {
    const { logger, last } = await logged();
    const fields = {
      run_id: "r123",
      max_tokens: 500,
      tokens: 12,
      key: "orders/1",
      keys: ["a", "b"],
      author: "Ada",
      url: "https://example.com/a?b=c#d",
      text: "a token of thanks; basic needs",
      nothing: null,
      when: new Date(0),
    };
    logger.info(fields, "it is done");
    expect(last()).toMatchObject({ ...fields, when: "1970-01-01T00:00:00.000Z", msg: "it is done", name: "test" });
  });

  it("is as it was for whoever logged it, whatever its shape", () => {
    fc.assert(
      fc.property(fc.anything({ withMap: true, withSet: true, withNullPrototype: true }), (value) => {
        const before = fc.stringify(value);
        redact(value);
        expect(fc.stringify(value)).toBe(before);
      }),
    );
    const circle: Record<string, unknown> = { password: SECRET };
    circle.again = circle;
    expect(redact({ circle })).toEqual({ circle: { password: REDACTED, again: "[circular]" } });
  });

  it("reads long texts in time that grows with their length", () => {
    const text = `${"a".repeat(50_000)}://${"b".repeat(50_000)} ${'\\"token'.repeat(5_000)}`;
    const began = performance.now();
    redactText(text);
    expect(performance.now() - began).toBeLessThan(2_000);
  });
});

describe("a line", () => {
  beforeAll(() => {
    context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  });
  afterAll(() => context.disable());

  it("names the trace that it is written in, unless it names one itself", async () => {
    const { logger, last } = await logged();
    const span = trace.wrapSpanContext({
      traceId: "0af7651916cd43dd8448eb211c80319c",
      spanId: "b7ad6b7169203331",
      traceFlags: TraceFlags.SAMPLED,
    });
    context.with(trace.setSpan(context.active(), span), () => {
      logger.info({ run_id: "r1" }, "inside");
      expect(last()).toMatchObject({
        run_id: "r1",
        trace_id: "0af7651916cd43dd8448eb211c80319c",
        span_id: "b7ad6b7169203331",
      });
      logger.info({ trace_id: "of the run" }, "inside");
      expect(last().trace_id).toBe("of the run");
    });
    logger.info("outside");
    expect(last()).not.toHaveProperty("trace_id");
  });

  it("is written if its level is wanted", async () => {
    const quiet = await logged("warn");
    quiet.logger.info("no");
    quiet.logger.warn("yes");
    expect(quiet.lines.map((line) => JSON.parse(line).msg)).toEqual(["yes"]);
    const usual = await logged();
    usual.logger.debug("no");
    usual.logger.info("yes");
    expect(usual.lines.map((line) => JSON.parse(line).msg)).toEqual(["yes"]);
  });
});
