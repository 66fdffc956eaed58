/** ai_chat against a server that streams, delays, limits and fails on request. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type FakeContextOptions, fakeContext, type LogLine } from "../../actors/testing.ts";
import { type ModelStandIn, startModelStandIn } from "../../deliberation/index.ts";
import chat from "./chat.ts";

let model: ModelStandIn;
let other: ModelStandIn;
beforeAll(async () => {
  [model, other] = await Promise.all([startModelStandIn(), startModelStandIn()]);
});
afterAll(() => Promise.all([model.close(), other.close()]));
beforeEach(() => {
  model.behave(undefined);
  other.behave(undefined);
  counted = [model.seen.length, other.seen.length];
});
let counted: number[] = [];
/** Requests since the test began. */
const asked = () => model.seen.slice(counted[0]);
const askedOther = () => other.seen.slice(counted[1]);

interface Access {
  endpoints?: { url: string; models?: string[]; api_key?: string }[];
  context?: FakeContextOptions;
}

async function ask(
  config: object = {},
  { endpoints, context = {} }: Access = {},
  inputs: object = { prompt: "Hello" },
) {
  if (!chat.execute) throw new Error("no code");
  const base = fakeContext();
  const models = { ...base.resources.models, endpoints: endpoints ?? [{ url: model.url }], defaultModel: "stand-in" };
  const ctx = fakeContext({ ...context, resources: { models, ...context.resources } });
  return (await chat.execute({ ...inputs }, { ...config }, ctx)).outputs;
}

describe("an answer", () => {
  it("comes with its tokens, its model and its endpoint", async () => {
    const out = await ask({ temperature: 0, stop: ["END"] }, {}, { system: "Be brief", prompt: "Hello" });
    expect(out).toMatchObject({ finish_reason: "stop", attempts: 1, model: "stand-in", json: null });
    expect(out.endpoint).toBe(new URL(model.url).host);
    expect(Number(out.prompt_tokens) + Number(out.completion_tokens)).toBe(out.total_tokens);
    expect(asked()[0]?.messages).toEqual([
      { role: "system", content: "Be brief" },
      { role: "user", content: "Hello" },
    ]);
  });

  it("is counted here when the server does not count", async () => {
    const out = await ask({ model: "stand-in?no_usage=1" });
    expect(Number(out.completion_tokens)).toBeGreaterThan(8);
  });

  it("says when it was cut off", async () => {
    expect(await ask({ max_tokens: 3 })).toMatchObject({ finish_reason: "length", completion_tokens: 3 });
  });

  it("goes out token by token while it streams, in order", async () => {
    const events: { event_type: string; seq: number; token?: string }[] = [];
    const publish: FakeContextOptions["publish"] = async (subject, data) => {
      expect(subject).toBe("vllm.streaming.task=2e1");
      events.push(data as (typeof events)[number]);
      return { stored: false, duplicate: false };
    };
    const out = await ask({ stream: true }, { context: { publish } }, { prompt: "Hello", task_id: "task.1" });
    expect(asked()[0]?.stream).toBe(true);
    expect(events.map(({ seq }) => seq)).toEqual(events.map((_, at) => at));
    expect(events.map(({ token = "" }) => token).join("")).toBe(out.content);
    expect(events.at(-1)).toMatchObject({
      event_type: "vllm.stream.completed",
      usage: { total_tokens: out.total_tokens },
    });
  });

  it("fits the schema that was asked for, and is asked for again when it does not", async () => {
    const json_schema = { type: "object", properties: { n: { type: "integer", minimum: 3 } }, required: ["n"] };
    const out = await ask({ json_schema, model: "stand-in?invalid_json=1&times=2" });
    expect(out).toMatchObject({ attempts: 3, json: { n: expect.any(Number) } });
    const lines: LogLine[] = [];
    await expect(
      ask({ json_schema, model: "stand-in?invalid_json=1", max_attempts: 2 }, { context: { lines } }),
    ).rejects.toMatchObject({ code: "ModelOutputInvalid", retryable: true, details: { attempts: 2 } });
    expect(lines.filter(({ level }) => level === "warn")).toHaveLength(2);
    await expect(ask({ json_schema: { type: "nonsense" } })).rejects.toMatchObject({ code: "ValidationError" });
  });
});

describe("a request is made again", () => {
  it.each([408, 409, 429, 500, 503])("after %i", async (status) => {
    expect(await ask({ model: `stand-in?status=${status}&times=1` })).toMatchObject({ attempts: 2 });
  });

  it.each([400, 401, 403, 404, 422])("not after %i", async (status) => {
    const mine = `stand-in?status=${status}`;
    await expect(ask({ model: mine })).rejects.toMatchObject({
      code: "ModelError",
      retryable: false,
      details: { status, attempts: 1 },
    });
    expect(asked()).toHaveLength(1);
  });

  it.each([["retry_after=1"], ["retry_after="]])("no earlier than Retry-After asks (%s)", async (how) => {
    const text = how.endsWith("=") ? `${how}${encodeURIComponent(new Date(Date.now() + 2_000).toUTCString())}` : how;
    const out = await ask({ model: `stand-in?status=429&times=1&${text}` });
    expect(out.attempts).toBe(2);
    const [first, second] = asked();
    expect((second?.at ?? 0) - (first?.at ?? 0)).toBeGreaterThanOrEqual(900);
  });

  it("unless the server asks for more time than there is: then that is said at once", async () => {
    const began = performance.now();
    await expect(
      ask({ model: "stand-in?status=429&retry_after=60", total_timeout: "5s" }, { endpoints: [{ url: other.url }] }),
    ).rejects.toMatchObject({ code: "ModelUnavailable", retryable: true });
    expect(performance.now() - began).toBeLessThan(2_000);
  });

  it("after a connection that broke, a stream that broke off, and an answer that is none", async () => {
    for (const how of ["drop=1", "garbage=1"]) {
      expect(await ask({ model: `stand-in?${how}&times=1` })).toMatchObject({ attempts: 2 });
    }
    expect(await ask({ model: "stand-in?drop=1&times=1&delay=1", stream: true })).toMatchObject({ attempts: 2 });
  });

  it("after one that took too long, and no oftener than it may", async () => {
    await expect(ask({ model: "stand-in?hang=1", timeout: "100ms", max_attempts: 2 })).rejects.toMatchObject({
      code: "ModelUnavailable",
      details: { attempts: 2 },
    });
    expect(asked()).toHaveLength(2);
  });
});

describe("endpoints", () => {
  const both = () => [{ url: model.url }, { url: other.url }];

  it("take each other's place when one fails, without a wait", async () => {
    model.behave("status=500");
    for (let at = 0; at < 6; at++) {
      const began = performance.now();
      expect(await ask({}, { endpoints: both() })).toMatchObject({ endpoint: new URL(other.url).host });
      expect(performance.now() - began).toBeLessThan(1_000);
    }
    expect(askedOther()).toHaveLength(6);
  });

  it("are asked where there is least to do", async () => {
    model.behave("delay=300");
    other.behave("delay=300");
    const models = { ...fakeContext().resources.models, endpoints: both(), defaultModel: "stand-in" };
    const context = { resources: { models } };
    await Promise.all(Array.from({ length: 6 }, () => ask({}, { context })));
    expect([asked().length, askedOther().length]).toEqual([3, 3]);
  });

  it("serve the models that they are said to serve", async () => {
    const endpoints = [
      { url: model.url, models: ["big"] },
      { url: other.url, models: ["stand-in"] },
    ];
    expect(await ask({}, { endpoints })).toMatchObject({ endpoint: new URL(other.url).host });
    await expect(ask({ model: "none" }, { endpoints })).rejects.toMatchObject({ code: "ModelError" });
    await expect(ask({}, { endpoints: [] })).rejects.toThrow("VLLM_URL");
  });

  it("get the deployment's key, and no other endpoint gets it", async () => {
    const endpoints = [{ url: model.url, api_key: "sk-own" }];
    await ask({}, { endpoints });
    expect(asked()[0]?.authorization).toBe("Bearer sk-own");
    await ask({ url: other.url }, { endpoints, context: { resources: { allowPrivateAddresses: true } } });
    expect(askedOther()[0]?.authorization).toBeUndefined();
    await ask({ api_key: "sk-flow" }, { endpoints });
    expect(asked()[1]?.authorization).toBe("Bearer sk-flow");
  });

  it("that a flow names have to be public, unless they are the deployment's", async () => {
    expect(await ask({ url: `${model.url}/v1` })).toMatchObject({ attempts: 1 });
    await expect(ask({ url: other.url })).rejects.toMatchObject({ code: "AddressNotAllowed", retryable: false });
    const port = new URL(other.url).port;
    await expect(ask({ url: `http://localhost:${port}` })).rejects.toMatchObject({ code: "AddressNotAllowed" });
    expect(askedOther()).toHaveLength(0);
    const resources = { allowedAddresses: ["127.0.0.0/8"] };
    expect(await ask({ url: other.url }, { context: { resources } })).toMatchObject({ attempts: 1 });
  });
});

it("a cancelled run aborts the request, and its wait", async () => {
  for (const behaviour of ["hang=1", "status=429&retry_after=30"]) {
    const abort = new AbortController();
    const before = model.seen.length;
    const asking = ask({ model: `stand-in?${behaviour}` }, { context: { signal: abort.signal } });
    asking.catch(() => {});
    await expect.poll(() => model.seen.length).toBe(before + 1);
    abort.abort(new Error("cancelled"));
    await expect(asking).rejects.toThrow("cancelled");
    await expect.poll(() => model.seen.at(-1)?.state).not.toBe("open");
  }
});
