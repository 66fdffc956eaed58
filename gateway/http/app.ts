/**
 * The HTTP API as one application: what guards it, its routes, what answers when none fits.
 *
 * A1. Every answer to a failed request is problem+json with a code of docs/errors.md.
 * A2. No route is reached without the token, when there is one, but those that say `open`.
 */
import { OpenAPIHono } from "@hono/zod-openapi";
import type { Context } from "hono";
import { cors } from "hono/cors";
import { matchedRoutes } from "hono/route";
import { RayflowError } from "../../flow/index.ts";
import { serverAway } from "../../nats/index.ts";
import type { Logger } from "../../orchestrator/index.ts";
import type { Tracing } from "../../telemetry/index.ts";
import { addApiPage } from "./api-page.ts";
import { tokenCheck } from "./auth.ts";
import type { HttpMetrics } from "./metrics.ts";
import { Operations } from "./operation.ts";
import { type OriginRules, originCheck } from "./origin-guard.ts";
import { internalError, problemResponse } from "./problem.ts";
import { requestSpans } from "./request-span.ts";

export interface AppOptions extends Omit<OriginRules, "hasToken"> {
  readonly token: string | undefined;
  readonly maxBodyBytes: number;
  readonly logger: Logger;
  readonly metrics: HttpMetrics;
  /** Where the spans of requests that start runs go. Default: there are none. */
  readonly tracing?: Tracing | undefined;
  /** Of the API, for its description. */
  readonly title: string;
  readonly version: string;
  /** Adds the routes. */
  readonly routes: (operations: Operations, app: OpenAPIHono) => void;
  /** Answers GET requests that no route takes; undefined when there is nothing either. */
  readonly fallback?: (c: Context) => Promise<Response | undefined>;
}

const SECURITY_HEADERS: Readonly<Record<string, string>> = {
  "X-Content-Type-Options": "nosniff",
  "Referrer-Policy": "no-referrer",
  "X-Frame-Options": "DENY",
  "Cross-Origin-Resource-Policy": "same-origin",
};
const EXPOSED = ["Location", "ETag", "Retry-After"];
const ALLOWED = ["Authorization", "Content-Type", "Idempotency-Key", "If-Match", "If-None-Match", "Last-Event-ID"];
/** What is no route counts as one: addresses that strangers make up are no labels. */
const UNROUTED = "other";

export function createApp(options: AppOptions): OpenAPIHono {
  const app = new OpenAPIHono();
  const operations = new Operations(app, options.maxBodyBytes);
  const requireToken = tokenCheck(options.token);
  const requireOrigin = originCheck({ ...options, hasToken: options.token !== undefined });
  /** The route that a request meets, as it was written; undefined when there is none. */
  const routeOf = (c: Context): string | undefined =>
    matchedRoutes(c).find(({ path }) => operations.methods.has(path))?.path;

  if (options.tracing) {
    const isSubmitting = (c: Context) => {
      const route = routeOf(c);
      return c.req.method === "POST" && route !== undefined && operations.submitting.has(route) ? route : undefined;
    };
    app.use(requestSpans(options.tracing, isSubmitting));
  }
  app.use(async (c, next) => {
    const started = performance.now();
    await next();
    const route = routeOf(c) ?? UNROUTED;
    const { status } = c.res;
    options.metrics.request({ method: knownMethod(c.req.method), route, status }, (performance.now() - started) / 1000);
  });
  app.use(async (c, next) => {
    await next();
    // A page of an allowed origin reads what it is given.
    const shared = c.res.headers.has("Access-Control-Allow-Origin");
    for (const [name, value] of Object.entries(SECURITY_HEADERS)) {
      if (c.res.headers.has(name) || (shared && name === "Cross-Origin-Resource-Policy")) continue;
      c.res.headers.set(name, value);
    }
  });
  app.use(async (c, next) => {
    requireOrigin({
      host: c.req.header("host"),
      origin: c.req.header("origin"),
      fetchSite: c.req.header("sec-fetch-site"),
      isNavigation: c.req.header("sec-fetch-mode") === "navigate" && c.req.method === "GET",
    });
    await next();
  });
  if (options.corsOrigins.length > 0) {
    const origin = options.corsOrigins.includes("*") ? "*" : [...options.corsOrigins];
    const allowMethods = ["GET", "PUT", "POST", "DELETE"];
    app.use("*", cors({ origin, allowMethods, allowHeaders: ALLOWED, exposeHeaders: EXPOSED, maxAge: 600 }));
  }
  app.use(async (c, next) => {
    const route = routeOf(c);
    const isApi = c.req.path.startsWith("/api/");
    // What is no route of the API is the editor: files, no data.
    if (route === undefined ? isApi : !operations.open.has(route)) requireToken(c.req.header("authorization"));
    if (isApi) c.header("Cache-Control", "no-store");
    await next();
  });

  options.routes(operations, app);
  addApiPage(operations, app, options);

  for (const [route, methods] of operations.methods) {
    const allow = [...methods].join(", ");
    app.all(route, (c) => {
      const message = `${c.req.method.slice(0, 20)} is not for ${route}; it has ${allow}`;
      return problemResponse(new RayflowError("MethodNotAllowed", message).toInfo(), { Allow: allow });
    });
  }
  app.notFound(async (c) => {
    const readable = c.req.method === "GET" || c.req.method === "HEAD";
    const found = readable && !c.req.path.startsWith("/api/") ? await options.fallback?.(c) : undefined;
    if (found) return found;
    const message = `there is no route ${c.req.method.slice(0, 20)} ${c.req.path.slice(0, 200)}`;
    return problemResponse(new RayflowError("RouteNotFound", message).toInfo());
  });
  app.onError((error, c) => {
    if (isRayflowError(error)) return problemResponse(error.toInfo());
    const away = serverAway(error);
    if (away) {
      options.logger.warn(
        { err: error, path: c.req.path, method: c.req.method },
        "the server did not answer a request",
      );
      return problemResponse(away.toInfo());
    }
    options.logger.error({ err: error, path: c.req.path, method: c.req.method }, "a request failed");
    return problemResponse(internalError().toInfo());
  });
  return app;
}

function knownMethod(method: string): string {
  return ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"].includes(method) ? method : "OTHER";
}

function isRayflowError(error: unknown): error is RayflowError {
  return error instanceof RayflowError;
}
