/**
 * Imports the files that users wrote: TypeScript without a build step, and `from "rayflow"` means this installation,
 * wherever the file lies. Owns the process-wide module hooks for that; they are registered once, at first use.
 */
import { existsSync } from "node:fs";
import { register } from "node:module";
import { basename, dirname, extname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { constants, runInThisContext } from "node:vm";

/** `.ts` when we run from sources (tests), `.js` when built. */
export const ownExtension = extname(fileURLToPath(import.meta.url));

const moduleRoot = dirname(dirname(fileURLToPath(import.meta.url)));
/** The folder that holds package.json: the sources' own, or the one above dist/. */
export const packageRoot = basename(moduleRoot) === "dist" ? dirname(moduleRoot) : moduleRoot;

/**
 * The module hooks, for Node's loader thread. As text, for in there nothing would translate a .ts file yet.
 *
 * - "rayflow" is this installation, and so is the SDK's source when a file of the checkout imports it by path: two
 *   copies of one class would not know each other.
 * - zod is ours where a file's own folder has none.
 * - A .ts file is an ES module, and so is a .js file that imports or exports, also in a folder without package.json.
 */
const HOOKS = `
import { readFile } from "node:fs/promises";
let own;
export function initialize(data) { own = data; }
export async function resolve(specifier, context, next) {
  if (specifier === "rayflow") return { url: own.index, format: own.format, shortCircuit: true };
  try {
    const resolved = await next(specifier, context);
    return resolved.url === own.sdkSource ? { url: own.sdk, format: own.format, shortCircuit: true } : resolved;
  } catch (error) {
    if (specifier !== "zod" && !specifier.startsWith("zod/")) throw error;
    return next(specifier, { ...context, parentURL: own.index });
  }
}
export async function load(url, context, next) {
  return next(url, await isModule(url, context.format) ? { ...context, format: "module" } : context);
}
async function isModule(url, format) {
  if (format === "module" || !url.startsWith("file:") || url.includes("/node_modules/")) return false;
  const { pathname } = new URL(url);
  if (/\\.m?ts$/.test(pathname)) return true;
  return pathname.endsWith(".js") && /^\\s*(import|export)\\b/m.test(await readFile(new URL(pathname, url), "utf8"));
}
`;

/** Node's own import(): from sources, a test runner may have put its own in the place of the keyword. */
const nativeImport: (url: string) => Promise<unknown> =
  ownExtension === ".js"
    ? (url) => import(url)
    : runInThisContext("(url) => import(url)", {
        importModuleDynamically: constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
      });

let hooks = false;
let typescript: Promise<void> | undefined;

/** The module's namespace. Throws what the import throws. */
export async function importUserModule(file: string): Promise<unknown> {
  // From sources, "rayflow" itself is TypeScript.
  if (/\.m?ts$/.test(file) || ownExtension === ".ts") {
    typescript ??= translateTypescript();
    await typescript;
  }
  if (!hooks) {
    hooks = true;
    registerHooks();
  }
  return nativeImport(pathToFileURL(file).href);
}

/** Loaded only now, for it costs a quarter of a second and many installations have no .ts file. */
async function translateTypescript(): Promise<void> {
  const tsx = await import("tsx/esm/api");
  tsx.register({ tsconfig: false });
}

/** After tsx, for the hooks that are registered last are asked first. */
function registerHooks(): void {
  const url = (path: string): string => pathToFileURL(path).href;
  const sdkSource = join(packageRoot, "actors", "sdk.ts");
  register(`data:text/javascript,${encodeURIComponent(HOOKS)}`, {
    data: {
      index: url(join(moduleRoot, `index${ownExtension}`)),
      sdk: url(join(moduleRoot, "actors", `sdk${ownExtension}`)),
      sdkSource: ownExtension === ".js" && existsSync(sdkSource) ? url(sdkSource) : undefined,
      format: "module",
    },
  });
}
