/** The editor's bundle, dist/editor: built when its sources are newer, swapped in whole. */
import fs from "node:fs";
import path from "node:path";

/** What the bundle is made from: the editor itself and the pure rooms that it shares with the engine. */
const sources = ["editor", "flow", "orchestrator/run", "nats/messages.ts", "tsconfig.json", "package.json"];

/** `run` is set-up's own: it runs a command quietly and throws with what it printed. */
export function editorBuild(root, run) {
  const at = (...parts) => path.join(root, ...parts);
  const stamp = at("dist", ".rayflow-editor");
  const target = at("dist", "editor");

  const isBuilt = () =>
    fs.existsSync(path.join(target, "index.html")) && read(stamp) === JSON.stringify(sourceList(at));

  /** Throws when the bundle cannot be built; what was there before stays. */
  async function build(say) {
    say("Building the editor ...");
    const started = Date.now();
    const before = JSON.stringify(sourceList(at));
    const fresh = at("dist", ".editor-new");
    const vite = at("node_modules", "vite", "bin", "vite.js");
    const args = ["build", "--config", at("editor", "vite.config.ts"), "--outDir", fresh, "--logLevel", "error"];
    await run(process.execPath, [vite, ...args], root, "the editor could not be built");
    // A gateway may be serving the old one: it is gone for no longer than two renames.
    fs.rmSync(stamp, { force: true });
    fs.rmSync(target, { recursive: true, force: true });
    fs.renameSync(fresh, target);
    fs.writeFileSync(stamp, before);
    say(`Built the editor in ${((Date.now() - started) / 1000).toFixed(1)} s`);
  }

  return { isBuilt, build };
}

function sourceList(at) {
  const list = {};
  const add = (relative) => {
    const stat = fs.statSync(at(relative), { throwIfNoEntry: false });
    if (stat === undefined || /\.test\.tsx?$|(^|\/)testing[^/]*\.ts$/.test(relative)) return;
    if (!stat.isDirectory()) list[relative] = `${stat.mtimeMs} ${stat.size}`;
    else for (const name of fs.readdirSync(at(relative)).sort()) add(path.posix.join(relative, name));
  };
  for (const source of sources) add(source);
  return list;
}

function read(file) {
  try {
    return fs.readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
}
