/**
 * One operation of the API: its route, its description in the OpenAPI document, and the check of what comes in. Handlers
 * get params, query and body as their schemas give them.
 */
import { type OpenAPIHono, z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { RayflowError } from "../../flow/index.ts";
import { problem } from "./problem.ts";
import { readJson } from "./request-body.ts";

export type Method = "get" | "put" | "post" | "delete";

/** What an answer holds: a schema for JSON, or the media type of something else. */
export interface Answer {
  readonly description: string;
  readonly schema?: z.ZodType;
  /** In place of `schema`, where it is only known at run time. */
  readonly jsonSchema?: Readonly<Record<string, unknown>>;
  readonly mediaType?: string;
}

export interface OperationOptions<P extends z.ZodType, Q extends z.ZodType, B extends z.ZodType> {
  readonly method: Method;
  /** `/api/runs/{id}`. */
  readonly path: string;
  /** The name under which generated clients call it. */
  readonly id: string;
  readonly tag: string;
  readonly summary: string;
  readonly description?: string;
  readonly params?: P;
  readonly query?: Q;
  /** Checked against what the body holds; a missing body counts as `{}`. */
  readonly body?: B;
  /** What the description shows in place of `body`. */
  readonly bodySchema?: Readonly<Record<string, unknown>>;
  /** By status. */
  readonly answers: Readonly<Record<number, Answer>>;
  /** The request headers that it knows, with what they do. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Whether it may be called without the token. Default false. */
  readonly open?: boolean;
  /** Whether it starts a run. Default false. */
  readonly submits?: boolean;
}

/** What a handler works with. */
export interface Call<P, Q, B> {
  readonly c: Context;
  readonly params: P;
  readonly query: Q;
  readonly body: B;
}

/** The routes of one application, each with its description. */
export class Operations {
  readonly #app: OpenAPIHono;
  readonly #maxBodyBytes: number;
  /** By route as the router writes it. */
  readonly methods = new Map<string, Set<string>>();
  /** Routes that need no token. */
  readonly open = new Set<string>();
  /** Routes that start runs. */
  readonly submitting = new Set<string>();

  constructor(app: OpenAPIHono, maxBodyBytes: number) {
    this.#app = app;
    this.#maxBodyBytes = maxBodyBytes;
  }

  add<P extends z.ZodType = z.ZodObject, Q extends z.ZodType = z.ZodObject, B extends z.ZodType = z.ZodObject>(
    options: OperationOptions<P, Q, B>,
    handle: (call: Call<z.output<P>, z.output<Q>, z.output<B>>) => Response | Promise<Response>,
  ): void {
    const { method, path, params, query, body } = options;
    const route = path.replace(/\{(\w+)\}/g, ":$1");
    this.#describe(options);
    const methods = this.methods.get(route) ?? new Set();
    this.methods.set(route, methods.add(method.toUpperCase()));
    if (method === "get") methods.add("HEAD");
    if (options.open === true) this.open.add(route);
    if (options.submits === true) this.submitting.add(route);
    this.#app.on(method.toUpperCase(), route, async (c) => {
      // A body that nobody asked for is looked at all the same: what is no JSON has no business here.
      const json = method === "get" ? undefined : await readJson(c, this.#maxBodyBytes);
      return handle({
        c,
        params: check(params, c.req.param(), "path"),
        query: check(query, c.req.query(), "query"),
        body: check(body, json ?? {}, "body"),
      });
    });
  }

  #describe<P extends z.ZodType, Q extends z.ZodType, B extends z.ZodType>(options: OperationOptions<P, Q, B>): void {
    const { method, path, id, tag, summary, description, params, query, body, answers, headers, open } = options;
    const shownBody = options.bodySchema ?? body;
    const responses = Object.entries(answers).map(([status, answer]) => [status, describeAnswer(answer)]);
    const failed = { description: "What went wrong", content: { "application/problem+json": { schema: problem } } };
    this.#app.openAPIRegistry.registerPath({
      method,
      path,
      operationId: id,
      tags: [tag],
      summary,
      ...(description === undefined ? {} : { description }),
      ...(open === true ? { security: [] } : {}),
      request: {
        ...(params instanceof z.ZodObject ? { params } : {}),
        ...(query instanceof z.ZodObject ? { query } : {}),
        ...(headers === undefined ? {} : { headers: headersSchema(headers) }),
        ...(shownBody === undefined ? {} : { body: { content: { "application/json": { schema: shownBody } } } }),
      },
      responses: { ...Object.fromEntries(responses), default: failed },
    });
  }
}

function describeAnswer({ description, schema, jsonSchema, mediaType }: Answer) {
  const shown = schema ?? jsonSchema;
  const type = mediaType ?? (shown === undefined ? undefined : "application/json");
  if (type === undefined) return { description };
  return { description, content: { [type]: { schema: shown ?? (type === "application/json" ? {} : z.string()) } } };
}

function headersSchema(headers: Readonly<Record<string, string>>): z.ZodObject {
  return z.object(
    Object.fromEntries(
      Object.entries(headers).map(([name, description]) => [name, z.string().optional().openapi({ description })]),
    ),
  );
}

const NOTHING = z.object({});

/** @throws ValidationError with one finding per field */
function check<S extends z.ZodType>(schema: S | undefined, value: unknown, where: string): z.output<S> {
  const parsed = (schema ?? NOTHING).safeParse(value);
  if (parsed.success) return parsed.data as z.output<S>;
  const errors = parsed.error.issues.map(({ code, message, path }) => ({
    code,
    message,
    path: [where, ...path].join("."),
  }));
  const first = errors[0];
  const more = errors.length > 1 ? ` (and ${errors.length - 1} more)` : "";
  throw new RayflowError("ValidationError", `${first?.path ?? where}: ${first?.message ?? "not as wanted"}${more}`, {
    details: { errors: errors.slice(0, 100) },
  });
}
