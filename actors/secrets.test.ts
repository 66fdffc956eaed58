/** A secret is in node code's hands and nowhere else: every way out of it is tried. */
import { mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pino } from "pino";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { RayflowError } from "../flow/index.ts";
import type { BlobStore, ResultCache, Variables } from "../store/index.ts";
import { defineNode } from "./define-node.ts";
import type { NodeContext } from "./node-definition.ts";
import { NodeExecutor } from "./node-executor.ts";
import { performer } from "./perform.ts";
import { any, str, z } from "./sdk.ts";
import { maskOf } from "./secret-mask.ts";
import { type SecretOptions, Secrets } from "./secrets.ts";
import { dispatchEntryOf } from "./testing-dispatch.ts";

const VALUE = 'hunter2"/ü+x';
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "rayflow-secrets-"));
  await writeFile(join(folder, "data"), `${VALUE}\n`);
  // As Kubernetes mounts them.
  await symlink("data", join(folder, "api_key"));
  await writeFile(join(folder, "tiny"), "abc");
});
afterAll(() => rm(folder, { recursive: true }));

type Body = (args: { key: string; ctx: NodeContext }) => unknown;

/** What comes out of a node that holds the secret, and all that was logged and stored meanwhile. */
async function run(body: Body, options: SecretOptions = { folder }, more: Record<string, unknown> = {}) {
  const lines: string[] = [];
  const stored: unknown[] = [];
  const cached: unknown[] = [];
  const variables = { set: async (...values: unknown[]) => void stored.push(values) } as unknown as Variables;
  const cache = { get: async () => undefined, put: async (...values: unknown[]) => cached.push(values) };
  const executor = new NodeExecutor({
    actor: "a1",
    logger: pino({ level: "debug" }, { write: (line: string) => void lines.push(line) }),
    variables: () => variables,
    resources: {} as never,
    maxResultBytes: () => 100_000,
    perform: performer({
      blobs: {} as BlobStore,
      cache: cache as unknown as ResultCache,
      maxResultBytes: () => 100_000,
      secrets: new Secrets(options),
    }),
  });
  const definition = defineNode({
    type: "test_secret",
    title: "Secret",
    category: "test",
    inputs: { key: str(), data: any().default(null) },
    outputs: { value: any() },
    config: z.object({ token: z.string().optional() }),
    run: async ({ inputs, config, ctx }) => ({
      value: (await body({ key: config.token ?? inputs.key, ctx })) ?? null,
      ...(inputs.data === null ? {} : { value: inputs.data }),
    }),
  });
  const entry = dispatchEntryOf({ inputs: { key: { $secret: "api_key" } }, secrets: ["key"], ...more });
  const { result, json } = await executor.execute(entry, definition);
  return { result, all: [json, ...lines, JSON.stringify(stored), JSON.stringify(cached)].join("\n"), stored };
}

const forms = (): string[] => [
  VALUE,
  JSON.stringify(VALUE).slice(1, -1),
  encodeURIComponent(VALUE),
  Buffer.from(VALUE).toString("base64"),
  Buffer.from(VALUE).toString("hex"),
];

describe("a secret", () => {
  test("is what node code gets, from config and from constants, however deep", async () => {
    let got: unknown;
    await run(({ key }) => {
      got = key;
    });
    expect(got).toBe(VALUE);
    got = undefined;
    const config = { token: { $secret: "api_key" } };
    await run(
      ({ key }) => {
        got = key;
      },
      { folder },
      { config, inputs: { key: "" }, secrets: [] },
    );
    expect(got).toBe(VALUE);
  });

  const leaks: Record<string, Body> = {
    "an output": ({ key }) => key,
    "an output, deep and in a key": ({ key }) => ({ list: [{ [`x${key}`]: `a${key}b` }] }),
    "an output in base64": ({ key }) => `Basic ${Buffer.from(`user:${key}`).toString("base64")}`,
    "an output in base64, shifted": ({ key }) => Buffer.from(`us:${key}.`).toString("base64"),
    "an output in hex and for a URL": ({ key }) => [Buffer.from(key).toString("hex"), encodeURIComponent(key)],
    "JSON in an output": ({ key }) => JSON.stringify({ key }),
    "an error's message": ({ key }) => {
      throw new Error(`cannot log in with ${key}`);
    },
    "an error's details and code": ({ key }) => {
      throw new RayflowError(key, "no", { details: { sent: { key } }, cause: new Error(key) });
    },
    "what is thrown and is no error": ({ key }) => {
      throw key;
    },
    "a log line and its fields": ({ key, ctx }) => {
      ctx.log.info(`using ${key}`, { key, error: new Error(key) });
      ctx.log.error(key, { nested: [{ key }] });
    },
    "a variable": ({ key, ctx }) => ctx.variables.set("run", `n${key}`, { key }),
  };
  for (const [way, body] of Object.entries(leaks)) {
    test(`does not leave by ${way}`, async () => {
      const { all, result } = await run(body);
      for (const form of forms()) expect(all).not.toContain(form);
      expect(all).toContain("***");
      expect(result.status).toBe(way.includes("error") ? "error" : "ok");
    });
  }

  test("does not leave by an input that fits not", async () => {
    const { result, all } = await run(() => 1, { folder }, { inputs: { key: [{ $secret: "api_key" }] } });
    expect(result.error?.code).toBe("ValidationError");
    expect(all).not.toContain("hunter2");
  });

  test("is not given for data that looks like a reference", async () => {
    const data = { $secret: "api_key" };
    const { result } = await run(
      () => 1,
      { folder },
      { inputs: { key: { $secret: "api_key" }, data }, secrets: ["key"] },
    );
    expect(result.outputs).toEqual({ value: data });
    const none = await run(() => 1, { folder }, { inputs: { key: data }, secrets: undefined });
    expect(none.result.error?.code).toBe("ValidationError");
  });

  test("that is not there, too short or of another type is an error that names it", async () => {
    const named = (name: string, options?: SecretOptions) =>
      run(() => 1, options, { inputs: { key: { $secret: name } } }).then(({ result }) => result.error);
    expect(await named("missing")).toMatchObject({ code: "SecretNotFound", retryable: false });
    expect((await named("missing"))?.message).toMatch(/"missing".*RAYFLOW_SECRET_MISSING/);
    expect(await named("api_key", {})).toMatchObject({ code: "SecretNotFound" });
    expect(await named("tiny")).toMatchObject({ code: "SecretNotAllowed" });
    expect(await named("api_key", { folder, allowed: { io_http_request: ["api_key"] } })).toMatchObject({
      code: "SecretNotAllowed",
      message: expect.stringContaining("test_secret"),
    });
    for (const allowed of [{ test_secret: ["api_key"] }, { "*": ["api_key"] }, { test_secret: ["*"] }]) {
      expect(await named("api_key", { folder, allowed })).toBeUndefined();
    }
  });

  test("comes from the environment under the name in capitals", async () => {
    let got: unknown;
    const environment = { MY_API_KEY: VALUE };
    const inputs = { key: { $secret: "my-api.key" } };
    await run(
      ({ key }) => {
        got = key;
      },
      { environment },
      { inputs },
    );
    expect(got).toBe(VALUE);
  });
});

test("a mask leaves what is no secret as it is", () => {
  const mask = maskOf(["secret"]);
  const value = { n: 1, b: true, x: null, list: ["a"], date: "2026" };
  expect(mask(value)).toEqual(value);
  expect(mask("secretsecret!")).toBe("******!");
  const loop: Record<string, unknown> = { text: "secret" };
  loop.self = loop;
  expect((mask(loop) as { text: string }).text).toBe("***");
});
