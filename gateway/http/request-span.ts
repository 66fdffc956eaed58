/** A SERVER span for each request that starts a run: it continues the caller's trace, and the run continues it. */
import type { Context, MiddlewareHandler } from "hono";
import type { OpenSpan, TraceCarrier, Tracing } from "../../telemetry/index.ts";

const spans = new WeakMap<Request, OpenSpan>();

/** `routeOf`: the route of a request that starts a run; undefined for all others. */
export function requestSpans(tracing: Tracing, routeOf: (c: Context) => string | undefined): MiddlewareHandler {
  return async (c, next) => {
    const route = routeOf(c);
    if (route === undefined) return next();
    const { method } = c.req;
    const name = `${method} ${route}`;
    const attributes = { "http.request.method": method, "http.route": route, "url.path": c.req.path.slice(0, 500) };
    await tracing.inSpan({ name, kind: "server", parent: carrierOf(c), attributes }, async (span) => {
      spans.set(c.req.raw, span);
      await next();
      const { status } = c.res;
      span.set({ "http.response.status_code": status });
      if (status >= 500) span.fail({ code: String(status), message: `answered with ${status}` });
    });
  };
}

/** The trace context that the caller sent. */
export function carrierOf(c: Context): TraceCarrier {
  return { traceparent: c.req.header("traceparent"), tracestate: c.req.header("tracestate") };
}

/** Says in the request's span, if it has one, which run it has started. */
export function nameRun(c: Context, runId: string): void {
  spans.get(c.req.raw)?.set({ "rayflow.run.id": runId });
}
