/** The editor: the files of its bundle, and its one page for every address that is none of the API's. */
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { serveStatic } from "@hono/node-server/serve-static";
import type { Context } from "hono";

/**
 * Nothing is loaded from elsewhere. `unsafe-eval`: the editor makes validators from the JSON Schemas of node types at run
 * time. `unsafe-inline` for styles alone: the canvas places its nodes by them.
 */
const POLICY = [
  "default-src 'self'",
  "script-src 'self' 'unsafe-eval'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data: blob:",
  "font-src 'self' data:",
  "worker-src 'self' blob:",
  "connect-src 'self'",
  "object-src 'none'",
  "base-uri 'none'",
  "form-action 'self'",
  "frame-ancestors 'none'",
].join("; ");
const PAGE = { "Content-Type": "text/html; charset=utf-8", "Content-Security-Policy": POLICY };
/** Vite names these by their content. */
const HASHED = /^\/assets\/.*-[\w-]{8,}\.\w+$/;

/** Answers with the editor's files; undefined where there is nothing for this address. `home`: where `/` leads. */
export function editorFiles(
  folder: string | undefined,
  home?: string | undefined,
): (c: Context) => Promise<Response | undefined> {
  const index = folder === undefined ? undefined : path.join(folder, "index.html");
  let serve: ReturnType<typeof serveStatic> | undefined;
  return async (c) => {
    if (folder === undefined || index === undefined || !existsSync(index)) {
      return c.req.path === "/" ? c.body(NO_EDITOR, 200, PAGE) : undefined;
    }
    if (c.req.path === "/" && home !== undefined) return c.redirect(home, 302);
    if (c.req.path !== "/" && c.req.path !== "/index.html") {
      serve ??= serveStatic({ root: folder });
      const cache = HASHED.test(c.req.path) ? "public, max-age=31536000, immutable" : "no-cache";
      const found = await serve(c, async () => {});
      if (found instanceof Response) {
        found.headers.set("Cache-Control", cache);
        // A worker has the policy of its own file.
        found.headers.set("Content-Security-Policy", POLICY);
        return found;
      }
      // What looks like a file is one that is missing; the rest are the editor's own addresses.
      if (/\.\w+$/.test(c.req.path)) return undefined;
    }
    return c.body(await readFile(index, "utf8"), 200, { ...PAGE, "Cache-Control": "no-cache" });
  };
}

const NO_EDITOR = `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>RayFlow</title></head>
<body style="font: 16px/1.5 system-ui, sans-serif; margin: 4rem auto; max-width: 40rem; padding: 0 1rem">
<h1>RayFlow</h1>
<p>The gateway is up. The editor is not part of this installation; <code>npm run build</code> makes it in a checkout.</p>
<p><a href="/docs">The HTTP API</a></p>
</body></html>
`;
