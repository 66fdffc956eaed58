/** `/openapi.json`, and `/docs`: a page that shows it and loads nothing from anywhere else. */
import type { OpenAPIHono } from "@hono/zod-openapi";
import { PAGE_SCRIPT, PAGE_STYLE } from "./api-page-assets.ts";
import type { Operations } from "./operation.ts";

/** The page's own script and style, and the document; nothing from elsewhere. */
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; base-uri 'none'; frame-ancestors 'none'; form-action 'none'";
const HTML = { "Content-Type": "text/html; charset=utf-8", "Content-Security-Policy": POLICY };

export function addApiPage(
  operations: Operations,
  app: OpenAPIHono,
  about: { readonly title: string; readonly version: string; readonly token: string | undefined },
): void {
  let document: string | undefined;
  const page = { method: "get", tag: "about", open: true } as const;
  operations.add(
    {
      ...page,
      path: "/openapi.json",
      id: "getOpenApi",
      summary: "This description",
      answers: { 200: { description: "OpenAPI 3.1", mediaType: "application/json" } },
    },
    ({ c }) => {
      document ??= JSON.stringify(describe(app, about));
      return c.body(document, 200, { "Content-Type": "application/json" });
    },
  );
  operations.add(
    {
      ...page,
      path: "/docs",
      id: "getApiPage",
      summary: "This description as a page",
      answers: { 200: { description: "HTML", mediaType: "text/html" } },
    },
    ({ c }) => c.body(pageOf(about.title), 200, HTML),
  );
  // Files of the page: no operations.
  app.get("/docs/page.js", (c) => c.body(PAGE_SCRIPT, 200, { "Content-Type": "text/javascript; charset=utf-8" }));
  app.get("/docs/page.css", (c) => c.body(PAGE_STYLE, 200, { "Content-Type": "text/css; charset=utf-8" }));
}

function describe(app: OpenAPIHono, about: { title: string; version: string; token: string | undefined }): object {
  app.openAPIRegistry.registerComponent("securitySchemes", "token", { type: "http", scheme: "bearer" });
  return app.getOpenAPI31Document({
    openapi: "3.1.0",
    info: { title: about.title, version: about.version },
    ...(about.token === undefined ? {} : { security: [{ token: [] }] }),
  });
}

function pageOf(title: string): string {
  const shown = title.replace(/[&<>"]/g, (char) => `&#${char.charCodeAt(0)};`);
  return `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>${shown}</title><link rel="stylesheet" href="/docs/page.css"><link rel="icon" href="data:,"></head>
<body><main id="page"><h1>${shown}</h1><p>Loading …</p></main><script src="/docs/page.js"></script></body>
</html>
`;
}
