/** The editor's bundle: one page with relative addresses, so that it can be served from any path. */
import path from "node:path";
import { fileURLToPath } from "node:url";
import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

const here = path.dirname(fileURLToPath(import.meta.url));
const root = path.resolve(here, "..");
/** Where `npm run dev:editor` finds the gateway. */
const gateway = process.env.RAYFLOW_GATEWAY ?? "http://127.0.0.1:8000";

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
        { target: gateway, changeOrigin: true },
      ]),
    ),
  },
});
