/**
 * Holds the directions that imports may take between rooms (docs/architecture.md), and rejects cycles. Biome says the
 * same while one types; this check resolves the paths, so it also sees what a pattern on the text cannot.
 */
import fs from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "..");

/**
 * For each room: the rooms it may import (their index.ts only), single files beyond that, and for the pure ones the
 * packages. `orchestrator/run` is a room of its own.
 */
const rooms = {
  flow: { rooms: [], packages: ["zod"] },
  telemetry: { rooms: ["flow"] },
  nats: { rooms: ["flow"] },
  store: { rooms: ["flow", "nats"] },
  "orchestrator/run": { rooms: ["flow"], files: ["nats/messages.ts"], packages: ["zod", "xstate"] },
  orchestrator: { rooms: ["flow", "telemetry", "nats", "store", "orchestrator/run"] },
  actors: { rooms: ["flow", "telemetry", "nats", "store"] },
  nodes: { rooms: [], files: ["actors/sdk.ts"] },
  gateway: { rooms: ["flow", "telemetry", "nats", "store", "orchestrator", "actors"] },
  k8s: { rooms: ["flow", "nats"] },
  deliberation: { rooms: ["flow", "telemetry", "nats", "store", "gateway"] },
  editor: { rooms: ["flow", "orchestrator/run"], files: ["nats/messages.ts"] },
  cli: {
    rooms: [
      "flow",
      "telemetry",
      "nats",
      "store",
      "orchestrator",
      "orchestrator/run",
      "actors",
      "gateway",
      "k8s",
      "deliberation",
    ],
  },
};
/** Files that stay pure in rooms that are not: the browser reads messages and subjects too. */
const pureFiles = { "nats/messages.ts": ["zod"], "nats/subjects.ts": [] };

/** The room that a file lies in; undefined for tests and what they share, and for what belongs to none (index.ts). */
export function roomOf(file) {
  if (/\.test\.ts$|\/testing[^/]*\.ts$|\/vite\.config\.ts$/.test(file)) return undefined;
  return Object.keys(rooms).find((room) => file.startsWith(`${room}/`) && (room !== "orchestrator" || !isRun(file)));
}

const isRun = (file) => file.startsWith("orchestrator/run/");

/** Why `file` may not import `specifier`; undefined when it may. Paths are relative to the root, with slashes. */
export function refusal(file, specifier) {
  const room = roomOf(file);
  if (room === undefined) return undefined;
  const rule = rooms[room];
  if (!specifier.startsWith(".")) {
    const packages = pureFiles[file] ?? rule.packages;
    if (packages === undefined || packages.includes(specifier.split("/")[0])) return undefined;
    return `${pureFiles[file] === undefined ? room : file} is pure: it imports ${packages.join(", ") || "no packages"}`;
  }
  const target = resolve(file, specifier);
  const targetRoom = roomOf(target);
  if (targetRoom === room) return undefined;
  if (rule.files?.includes(target)) return undefined;
  if (targetRoom === undefined) return `${room} imports rooms only, not ${target}`;
  if (!rule.rooms.includes(targetRoom)) return `${room} may not import ${targetRoom}`;
  // The pure core is the orchestrator's own: it may look inside.
  if (targetRoom.startsWith(`${room}/`)) return undefined;
  if (target !== `${targetRoom}/index.ts`) return `other rooms import ${targetRoom}/index.ts, not ${target}`;
  return undefined;
}

function resolve(file, specifier) {
  return path.posix.normalize(path.posix.join(path.posix.dirname(file), specifier));
}

/** What a source imports or re-exports, by name, for its effect, as a type, or dynamically. */
export function importsOf(source) {
  const code = source.replace(/\/\*[\s\S]*?\*\//g, "").replace(/^\s*\/\/.*$/gm, "");
  const found = [
    ...code.matchAll(/^\s*(?:import|export)\b[^"'`;]*?\bfrom\s*["']([^"']+)["']/gm),
    ...code.matchAll(/^\s*import\s*["']([^"']+)["']/gm),
    ...code.matchAll(/\bimport\(\s*["']([^"']+)["']\s*\)/g),
  ];
  return [...new Set(found.map((match) => match[1]))];
}

/** Room names along the first cycle; undefined when there is none. */
export function findCycle(edges) {
  const state = new Map();
  const walk = (room, trail) => {
    if (state.get(room) === "done") return undefined;
    if (trail.includes(room)) return [...trail.slice(trail.indexOf(room)), room];
    for (const next of edges.get(room) ?? []) {
      const cycle = walk(next, [...trail, room]);
      if (cycle !== undefined) return cycle;
    }
    state.set(room, "done");
    return undefined;
  };
  for (const room of edges.keys()) {
    const cycle = walk(room, []);
    if (cycle !== undefined) return cycle;
  }
  return undefined;
}

function* sourceFiles(folder) {
  for (const entry of fs.readdirSync(path.join(root, folder), { withFileTypes: true })) {
    const file = `${folder}/${entry.name}`;
    if (entry.isDirectory() && entry.name !== "node_modules") yield* sourceFiles(file);
    else if (entry.isFile() && /\.tsx?$/.test(entry.name)) yield file;
  }
}

/** Every breach in the checkout, as lines. */
export function checkCheckout() {
  const problems = [];
  const edges = new Map();
  const folders = [...new Set(Object.keys(rooms).map((room) => room.split("/")[0]))];
  for (const file of folders
    .filter((folder) => fs.existsSync(path.join(root, folder)))
    .flatMap((f) => [...sourceFiles(f)])) {
    const room = roomOf(file);
    if (room === undefined) continue;
    for (const specifier of importsOf(fs.readFileSync(path.join(root, file), "utf8"))) {
      const why = refusal(file, specifier);
      if (why !== undefined) problems.push(`${file}: imports "${specifier}": ${why}`);
      const targetRoom = specifier.startsWith(".") ? roomOf(resolve(file, specifier)) : undefined;
      if (targetRoom === undefined || targetRoom === room) continue;
      edges.set(room, (edges.get(room) ?? new Set()).add(targetRoom));
    }
  }
  const cycle = findCycle(edges);
  if (cycle !== undefined) problems.push(`rooms import each other in a circle: ${cycle.join(" -> ")}`);
  return problems;
}

if (process.argv[1] !== undefined && fs.realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const problems = checkCheckout();
  for (const problem of problems) process.stderr.write(`${problem}\n`);
  process.stderr.write(problems.length === 0 ? "imports: ok\n" : `imports: ${problems.length} wrong\n`);
  process.exitCode = problems.length === 0 ? 0 : 1;
}
