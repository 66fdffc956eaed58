/** Loaded before `rayflow` into the processes of a sabotaged campaign: patches files of dist/ while Node loads them. */
import { register } from "node:module";
import { patches } from "./sabotage-patches.mjs";

const HOOKS = `
let root;
let patches;
export function initialize(data) {
  ({ root, patches } = data);
}
export async function load(url, context, next) {
  const loaded = await next(url, context);
  const own = url.startsWith(root) ? patches.filter(({ file }) => url === root + file) : [];
  if (own.length === 0) return loaded;
  let source = String(loaded.source);
  for (const { file, from, to } of own) {
    if (!source.includes(from)) throw new Error(\`the sabotage does not find its place in \${file}: \${from}\`);
    source = source.replaceAll(from, () => to);
  }
  return { ...loaded, source };
}
`;

register(`data:text/javascript,${encodeURIComponent(HOOKS)}`, {
  data: {
    root: new URL("../../dist/", import.meta.url).href,
    patches: patches[process.env.CHAOS_SABOTAGE ?? ""] ?? [],
  },
});
