/** The code of the gRPC service, deliberation/generated: made from the proto when that is newer. Needs npm packages only. */
import { createHash } from "node:crypto";
import fs from "node:fs";
import path from "node:path";

const folder = "deliberation/proto";
const target = "deliberation/generated";
/** What makes the code, besides the proto. */
const packages = ["@bufbuild/buf", "@bufbuild/protoc-gen-es", "grpc-health-check"];

/** `run` is set-up's own: it runs a command quietly and throws with what it printed. */
export function protoBuild(root, run) {
  const at = (...parts) => path.join(root, ...parts);
  const stamp = at(target, ".stamp");

  const isBuilt = () => read(stamp) === keyOf(at);

  async function build(say) {
    say("Generating the gRPC code ...");
    const key = keyOf(at);
    // A generation that breaks off must not look like one that was done.
    fs.rmSync(stamp, { force: true });
    const buf = at("node_modules", "@bufbuild", "buf", "bin", "buf");
    await run(process.execPath, [buf, "lint", folder], root, "the proto is not as it should be");
    const args = [buf, "generate", "--template", `${folder}/buf.gen.yaml`];
    await run(process.execPath, args, root, "the gRPC code could not be generated");
    fs.writeFileSync(stamp, key);
  }

  return { isBuilt, build };
}

function keyOf(at) {
  const hash = createHash("sha256");
  for (const name of fs.readdirSync(at(folder), { recursive: true }).map(String).sort()) {
    const file = at(folder, name);
    if (fs.statSync(file).isFile()) hash.update(`${name}\n`).update(fs.readFileSync(file));
  }
  const { dependencies, devDependencies } = JSON.parse(fs.readFileSync(at("package.json"), "utf8"));
  for (const name of packages) hash.update(`${name} ${dependencies[name] ?? devDependencies[name]}\n`);
  return hash.digest("hex");
}

function read(file) {
  try {
    return fs.readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
}
