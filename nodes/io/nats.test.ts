import { describe, expect, it } from "vitest";
import { fakeContext } from "../../actors/testing.ts";
import natsPublish from "./nats_publish.ts";
import natsRequest from "./nats_request.ts";

const encode = (text: string) => new TextEncoder().encode(text);
const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

it("publish sends the payload as JSON", async () => {
  const sent: [string, string][] = [];
  const publish = (subject: string, payload: Uint8Array) => void sent.push([subject, decode(payload)]);
  const ctx = fakeContext({ resources: { publish } });
  await natsPublish.execute?.({ payload: { a: null } }, { subject: "orders.new" }, ctx);
  await natsPublish.execute?.({ payload: "text" }, { subject: "orders.new" }, ctx);
  expect(sent).toEqual([
    ["orders.new", '{"a":null}'],
    ["orders.new", '"text"'],
  ]);
});

describe("request", () => {
  const ask = (reply: () => Promise<Uint8Array>, signal?: AbortSignal) => {
    const asked: unknown[] = [];
    const request = (...args: unknown[]) => {
      asked.push(args);
      return reply();
    };
    const ctx = fakeContext({ resources: { request }, ...(signal ? { signal } : {}) });
    return { asked, outcome: natsRequest.execute?.({ payload: 1 }, { subject: "svc.x", timeout: "2s" }, ctx) };
  };

  it.each([
    ['{"ok":true}', { ok: true }],
    ["plain text", "plain text"],
    ["", null],
  ])("the reply %j is %j", async (reply, response) => {
    const { asked, outcome } = ask(async () => encode(reply));
    expect((await outcome)?.outputs).toEqual({ response });
    expect(asked).toEqual([["svc.x", encode("1"), 2000]]);
  });

  it("no reply is a failure worth another try", async () => {
    const { outcome } = ask(async () => Promise.reject(new Error("no responders")));
    await expect(outcome).rejects.toMatchObject({
      code: "NatsRequestFailed",
      retryable: true,
      message: "no reply from svc.x: no responders",
    });
  });

  it("ends when the execution is aborted", async () => {
    const controller = new AbortController();
    const { outcome } = ask(() => new Promise(() => undefined), controller.signal);
    controller.abort(new Error("cancelled"));
    await expect(outcome).rejects.toThrow("cancelled");
  });
});

it.each(["rayflow.flow.run", "rayflow", "$SYS.REQ", "$JS.API.STREAM.DELETE.X", "a.*", "a.>", "a b", "a..b", "a."])(
  "the subject %s is refused before anything is sent",
  async (subject) => {
    const refused = { code: "SubjectNotAllowed", retryable: false };
    const publish = () => {
      throw new Error("sent");
    };
    const ctx = fakeContext({ resources: { publish } });
    await expect(natsPublish.execute?.({ payload: 1 }, { subject }, ctx)).rejects.toMatchObject(refused);
    await expect(natsRequest.execute?.({ payload: 1 }, { subject }, ctx)).rejects.toMatchObject(refused);
  },
);
