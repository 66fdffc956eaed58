/**
 * A CPU profile of V8 as a flame graph: what was called stands under its caller, as wide as the share of time in it. The
 * form is Brendan Gregg's ("The Flame Graph", CACM 59(6), 2016), upside down.
 */

/** What `node --cpu-prof` writes. */
export interface CpuProfile {
  readonly nodes: readonly ProfileNode[];
  /** Ids of nodes, one for each sample. */
  readonly samples: readonly number[];
  /** Microseconds before each sample. */
  readonly timeDeltas: readonly number[];
}

interface ProfileNode {
  readonly id: number;
  readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number };
  readonly children?: readonly number[];
}

/** A function as it was called from one place, with all that it called. */
export interface Frame {
  readonly name: string;
  readonly kind: "own" | "package" | "node" | "runtime";
  /** In it and below it, microseconds. */
  us: number;
  readonly calls: Map<string, Frame>;
}

const WIDTH = 1200;
const ROW = 16;
const LETTER = 6.4;
/** Narrower frames are left out, as a share of all. */
const LEAST = 0.001;
const MAX_DEPTH = 48;
/** A sample that stands for more was taken late, and says nothing of the time before it. */
const MAX_SAMPLE_US = 5_000;
const COLOURS: Readonly<Record<Frame["kind"], string>> = {
  own: "#f4a259",
  package: "#8cb8d9",
  node: "#bcc6cc",
  runtime: "#d98880",
};

/** The calls of a profile from a moment on, without the time in which there was nothing to do. */
export function framesOf({ nodes, samples, timeDeltas }: CpuProfile, skipUs = 0): Frame {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const parents = new Map<number, number>();
  for (const { id, children = [] } of nodes) for (const child of children) parents.set(child, id);
  const root: Frame = { name: "all", kind: "runtime", us: 0, calls: new Map() };
  let passedUs = 0;
  for (const [at, id] of samples.entries()) {
    const delta = timeDeltas[at] ?? 0;
    passedUs += delta;
    const us = Math.min(Math.max(0, delta), MAX_SAMPLE_US);
    if (passedUs < skipUs || byId.get(id)?.callFrame.functionName === "(idle)") continue;
    const path: ProfileNode[] = [];
    for (let up: number | undefined = id; up !== undefined; up = parents.get(up)) {
      const node = byId.get(up);
      if (node && node.callFrame.functionName !== "(root)") path.unshift(node);
    }
    let frame = root;
    frame.us += us;
    for (const node of path) {
      frame = calledFrom(frame, node);
      frame.us += us;
    }
  }
  return root;
}

function calledFrom(caller: Frame, { callFrame }: ProfileNode): Frame {
  const { functionName, url } = callFrame;
  const file = fileOf(url);
  const name = `${functionName || "(anonymous)"}${file === "" ? "" : ` ${file}`}`;
  const known = caller.calls.get(name);
  if (known) return known;
  const frame: Frame = { name, kind: kindOf(functionName, url), us: 0, calls: new Map() };
  caller.calls.set(name, frame);
  return frame;
}

/** Without what lies where on this machine. */
function fileOf(url: string): string {
  return url.replace(/^.*\/node_modules\//, "").replace(/^.*\/(?:dist|bench)\//, "");
}

function kindOf(functionName: string, url: string): Frame["kind"] {
  if (url === "" || functionName.startsWith("(")) return url === "" ? "runtime" : "own";
  if (url.startsWith("node:")) return "node";
  return url.includes("/node_modules/") ? "package" : "own";
}

/** An SVG that says of each frame its name and share when it is pointed at. */
export function flameGraph(root: Frame, title: string): string {
  const rows: string[] = [];
  let deepest = 0;
  const draw = (frame: Frame, left: number, depth: number): void => {
    const share = frame.us / root.us;
    if (share < LEAST || depth > MAX_DEPTH) return;
    deepest = Math.max(deepest, depth);
    const width = share * WIDTH;
    const y = 28 + depth * ROW;
    const said = `${escaped(frame.name)} ${(100 * share).toFixed(1)}%`;
    const room = Math.floor((width - 4) / LETTER);
    const label = room < 3 ? "" : escaped(frame.name.length > room ? `${frame.name.slice(0, room - 1)}…` : frame.name);
    rows.push(
      `<g><title>${said}</title><rect x="${left.toFixed(1)}" y="${y}" width="${Math.max(0.3, width - 0.4).toFixed(1)}" ` +
        `height="${ROW - 1}" fill="${COLOURS[frame.kind]}"/>` +
        (label === "" ? "" : `<text x="${(left + 2).toFixed(1)}" y="${y + 11}">${label}</text>`) +
        "</g>",
    );
    let at = left;
    for (const call of [...frame.calls.values()].sort((a, b) => b.us - a.us)) {
      draw(call, at, depth + 1);
      at += (call.us / root.us) * WIDTH;
    }
  };
  draw(root, 0, 0);
  const height = 28 + (deepest + 1) * ROW + 4;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" font-family="monospace" font-size="10.5">`,
    `<title>${escaped(title)}</title>`,
    `<rect width="${WIDTH}" height="${height}" fill="#fff"/>`,
    `<text x="4" y="17" font-size="13">${escaped(title)}</text>`,
    ...rows,
    "</svg>\n",
  ].join("\n");
}

/** What took most, by the function that it was in itself: name and share of all. */
export function heaviest(root: Frame, most: number): [string, number][] {
  const own = new Map<string, number>();
  const add = (frame: Frame): void => {
    let below = 0;
    for (const call of frame.calls.values()) {
      below += call.us;
      add(call);
    }
    own.set(frame.name, (own.get(frame.name) ?? 0) + frame.us - below);
  };
  add(root);
  const shares = [...own].map(([name, us]): [string, number] => [name, us / root.us]);
  return shares.sort((a, b) => b[1] - a[1]).slice(0, most);
}

function escaped(text: string): string {
  return text.replace(/[&<>"]/g, (char) => `&#${char.charCodeAt(0)};`);
}
