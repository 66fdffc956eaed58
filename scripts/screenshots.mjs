/**
 * `npm run docs:screenshots [name...]`: takes the pictures of docs/images from the real thing, all or the named ones.
 * It starts server, orchestrator, actors and gateway on free ports, brings the editor into each state as a person
 * would, and ends what it started. Where `pngquant` is on PATH the pictures are a third of the size.
 */
import { execFileSync, spawn } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { chromium } from "playwright-core";
import { findBrowser } from "./browser.mjs";
import { root, setUp } from "./setup.mjs";

const SIZE = { width: 1440, height: 860 };
const images = path.join(root, "docs", "images");
const asked = new Set(process.argv.slice(2));

/** Each brings a page into the state of its picture. */
const pictures = {
  /** A flow in the drawing, one of its nodes in the inspector. */
  async editor(open) {
    const page = await open("order", { palette: true });
    await header(page, "branch").click();
    return page;
  },
  /** A run that succeeded: what was taken, what was skipped, a node's values, where the time went. */
  async run(open) {
    const page = await open("order");
    await run(page, { customer: "Ada", prices: "[60, 25, 40]" });
    await header(page, "discount").click();
    await page.getByRole("region", { name: "Run", exact: true }).getByRole("group", { name: "Outputs" }).waitFor();
    return page;
  },
  /** A run that failed, at its node. */
  async failed(open) {
    const page = await open("order");
    await run(page, { customer: "Ada", prices: "[1e308, 1e308]" });
    await header(page, "total").click();
    await page.getByRole("region", { name: "Run", exact: true }).getByRole("note").waitFor();
    return page;
  },
  /** A run held before a node with a breakpoint, with what the node is about to get. */
  async debug(open) {
    const page = await open("order");
    await node(page, "branch").hover();
    await page.getByRole("button", { name: "Set a breakpoint on branch" }).click();
    await start(page, { customer: "Ada", prices: "[60, 25, 40]" }, "Debug");
    await page.getByRole("group", { name: "Debugger" }).waitFor();
    await header(page, "branch").click();
    await page.getByRole("region", { name: "Run", exact: true }).getByRole("group", { name: "Inputs" }).waitFor();
    return page;
  },
  /** An iteration of a loop. */
  async loop(open) {
    const page = await open("pricing");
    await run(page, exampleInputs("pricing"));
    await header(page, "line").click();
    await page.getByRole("button", { name: "Previous iteration" }).click();
    return page;
  },
  /** The flow of a deliberation. */
  async deliberation(open) {
    return open("deliberation");
  },
  /** The runs of the past. */
  async runs(open, url) {
    const executions = [
      ...["safe-divide", "pricing", "parallel"].map((name) => execution(name)),
      execution("order", { customer: "Ada", prices: [1e308, 1e308] }),
      execution("order"),
    ];
    for (const one of executions) await send(`${url}/api/flows/execute`, one);
    const page = await open("order");
    await page.getByRole("button", { name: "Runs" }).click();
    await page.getByRole("row", { name: /of parallel: / }).waitFor();
    return page;
  },
};

await setUp();
const { startEmbeddedServer } = await import(pathToFileURL(path.join(root, "dist", "nats", "index.js")).href);
const folder = fs.mkdtempSync(path.join(os.tmpdir(), "rayflow-pictures-"));
const server = await startEmbeddedServer();
const create = spawn(
  process.execPath,
  [path.join(root, "bin", "rayflow.mjs"), "create", "--json", "--no-open", "--port", "0", "--server", server.url],
  { cwd: folder, stdio: ["ignore", "pipe", "inherit"] },
);
const ended = new Promise((resolve) => create.once("close", resolve));
let browser;
try {
  const url = await urlOf(create);
  browser = await chromium.launch({ executablePath: findBrowser(), args: ["--no-sandbox", "--disable-gpu"] });
  for (const name of ["order", "pricing", "deliberation"]) {
    await send(`${url}/api/flows/${name}`, { method: "PUT", body: JSON.stringify({ flow: named(name) }) });
  }
  // The first run of all waits for what the others find ready: it would show times that nobody has.
  await send(`${url}/api/flows/execute`, execution("order"));
  for (const [name, picture] of Object.entries(pictures)) {
    if (asked.size > 0 && !asked.has(name)) continue;
    const page = await picture((flow, settings) => openFlow(url, flow, settings), url);
    await take(page, name);
    await page.context().close();
  }
} finally {
  await browser?.close();
  create.kill("SIGTERM");
  await ended;
  await server.stop();
  fs.rmSync(folder, { recursive: true, force: true });
}

/** The URL that `rayflow create --json` prints. */
function urlOf({ stdout }) {
  return new Promise((resolve, reject) => {
    let text = "";
    stdout.setEncoding("utf8").on("data", (more) => {
      text += more;
      if (/"url": "[^"]+"[\s\S]*\n\}/.test(text)) resolve(JSON.parse(text).url);
    });
    void ended.then((code) => reject(new Error(`rayflow create ended with ${code}`)));
  });
}

async function send(to, request) {
  const response = await fetch(to, { ...request, headers: { "content-type": "application/json" } });
  if (!response.ok) throw new Error(`${to}: ${response.status} ${await response.text()}`);
}

/** A page of its own, in the dark, on a saved flow. */
async function openFlow(url, flow, { palette = false } = {}) {
  const context = await browser.newContext({ viewport: SIZE, reducedMotion: "reduce", colorScheme: "dark" });
  const settings = JSON.stringify({ state: { theme: "dark", palette, minimap: false }, version: 0 });
  await context.addInitScript(`localStorage.setItem("rayflow.settings", ${JSON.stringify(settings)})`);
  const page = await context.newPage();
  await page.goto(`${url}/#/flow/${flow}`);
  await page.locator(".react-flow__node").first().waitFor();
  return page;
}

async function take(page, name) {
  // A dialog keeps what it has; else the whole flow is shown. What lies under the pointer would be lit.
  if ((await page.getByRole("dialog").count()) === 0) await page.keyboard.press("f");
  await page.mouse.move(0, SIZE.height - 1);
  await settled(page);
  const file = path.join(images, `${name}.png`);
  await page.screenshot({ path: file });
  try {
    execFileSync("pngquant", ["--force", "--skip-if-larger", "--ext", ".png", "--speed", "1", "192", file]);
  } catch (error) {
    if (error.code !== "ENOENT") throw error;
  }
  process.stderr.write(`docs/images/${name}.png  ${Math.round(fs.statSync(file).size / 1024)} KiB\n`);
}

/** Resolves when two frames in a row show the flow at the same place. */
async function settled(page) {
  await page.evaluate(`new Promise((done) => {
    const place = () => document.querySelector(".react-flow__viewport").style.transform;
    let last = "";
    let same = 0;
    const look = () => {
      same = place() === last ? same + 1 : 0;
      last = place();
      if (same > 20) done();
      else requestAnimationFrame(look);
    };
    look();
  })`);
}

function node(page, id) {
  return page.locator(`.react-flow__node[data-id="${id}"]`);
}

function header(page, id) {
  return node(page, id).locator(".node-header");
}

/** Runs the flow with these inputs and closes what says how it ended. */
async function run(page, inputs) {
  await start(page, inputs, "Run");
  const dialog = page.getByRole("dialog", { name: /^The flow / });
  await dialog.getByRole("button", { name: "Close" }).last().click();
  await dialog.waitFor({ state: "detached" });
}

async function start(page, inputs, how) {
  await page.getByRole("group", { name: "Run", exact: true }).getByRole("button", { name: how, exact: true }).click();
  const dialog = page.getByRole("dialog", { name: new RegExp(`^${how} `) });
  for (const [name, text] of Object.entries(inputs)) {
    await dialog.getByRole("textbox", { name: new RegExp(`^${name}\\b`) }).fill(text);
  }
  await dialog.getByRole("button", { name: how, exact: true }).click();
  await dialog.waitFor({ state: "detached" });
}

function example(name) {
  return JSON.parse(fs.readFileSync(path.join(root, "examples", "flows", `${name}.json`), "utf8"));
}

/** The flow of an example, called as its file. */
function named(name) {
  const { flow } = example(name);
  return flow.flow === undefined ? { name, ...flow } : { ...flow, metadata: { ...flow.metadata, name } };
}

/** The request that runs an example, with the inputs of its first case unless others are given. */
function execution(name, inputs = example(name).cases[0].inputs) {
  return { method: "POST", body: JSON.stringify({ flow: named(name), inputs }) };
}

/** What an example's first case is run with, as it is typed. */
function exampleInputs(name) {
  const typed = (value) => (typeof value === "string" ? value : JSON.stringify(value));
  return Object.fromEntries(Object.entries(example(name).cases[0].inputs).map(([key, value]) => [key, typed(value)]));
}
