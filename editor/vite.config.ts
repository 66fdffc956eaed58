/** The editor's bundle: one page with relative addresses, so that it can be served from any path. */
import path from "node:path";
import { fileURLToPath } from "node:url";
import react from "@vitejs/plugin-react";
import { defineConfig, type ProxyOptions } from "vite";

const here = path.dirname(fileURLToPath(import.meta.url));
const root = path.resolve(here, "..");
/** Where `npm run dev:editor` finds the gateway. */
const gateway = process.env.RAYFLOW_GATEWAY ?? "http://127.0.0.1:8000";

/**
 * The page that this server serves asks in its own name, which the gateway does not know; so its requests go on in the
 * gateway's. Those of other pages keep the origin that they come from, and are refused as they would be without this server.
 */
const asGatewaysOwn: ProxyOptions["configure"] = (proxy) => {
  proxy.on("proxyReq", (onward, { headers: { origin, host } }) => {
    if (origin !== undefined && URL.canParse(origin) && new URL(origin).host === host) {
      onward.setHeader("Origin", new URL(gateway).origin);
    }
  });
};

/** Whoever builds from within tests has NODE_ENV=test: the bundle would then carry React's development build. */
const asProduction = {
  name: "as-production",
  apply: "build",
  config: () => {
    process.env.NODE_ENV = "production";
  },
} as const;

export default defineConfig({
  root: here,
  base: "./",
  plugins: [asProduction, react()],
  build: {
    outDir: path.join(root, "dist", "editor"),
    emptyOutDir: true,
    target: "es2023",
    // The layout engine is one file of 1.4 MB in a worker that is fetched when it is first needed.
    chunkSizeWarningLimit: 1600,
  },
  worker: { format: "es" },
  server: {
    host: "127.0.0.1",
    fs: { allow: [root] },
    proxy: Object.fromEntries(
      ["/api", "/healthz", "/readyz", "/metrics", "/openapi.json"].map((at) => [
        at,
        { target: gateway, changeOrigin: true, configure: asGatewaysOwn },
      ]),
    ),
  },
});
