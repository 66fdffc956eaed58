/**
 * A real browser on a real `rayflow create`, for the editor's tests.
 *
 * The browser: what RAYFLOW_CHROMIUM names, else a Chromium or Chrome on PATH (Debian's `chromium`, which the set-up
 * installs where it may). Where there is none the tests are skipped, and say so loudly.
 */
import { type Browser, type BrowserContext, chromium, type Page } from "playwright-core";
import { describe } from "vitest";
import { startEmbeddedServer } from "../../nats/index.ts";
import { findBrowser } from "../../scripts/browser.mjs";
import { startRayflow, temporaryFolder } from "../rayflow-process.ts";

const browserFile = findBrowser();

/** `describe` where a browser is; elsewhere the tests are skipped with a message that cannot be missed. */
export function describeInBrowser(name: string, tests: () => void): void {
  if (browserFile === undefined) {
    process.stderr.write(
      `\n!!! "${name}" is SKIPPED: no Chromium found. Install one (apt install chromium) or set RAYFLOW_CHROMIUM.\n\n`,
    );
  }
  describe.skipIf(browserFile === undefined)(name, tests);
}

export interface Editor extends AsyncDisposable {
  /** Of the gateway. */
  readonly url: string;
  /** A fresh page with storage of its own. What goes wrong in it is in `problems`. */
  open(hash?: string): Promise<EditorPage>;
}

export interface EditorPage extends AsyncDisposable {
  readonly page: Page;
  /** Errors on the console, exceptions, and requests that were to leave the machine. Empty when all is well. */
  readonly problems: string[];
}

export interface EditorOptions {
  readonly width?: number;
  readonly height?: number;
  /** More arguments of `rayflow create`. */
  readonly args?: readonly string[];
}

/** Starts server, orchestrator, actors, gateway and browser. */
export async function startEditor({ width = 1440, height = 900, args = [] }: EditorOptions = {}): Promise<Editor> {
  const folder = temporaryFolder();
  // A server of its own: without one named, `create` joins the one that a developer may be running here.
  const server = await startEmbeddedServer();
  const create = startRayflow(["create", "--json", "--no-open", "--port", "0", "--server", server.url, ...args], {
    cwd: folder.path,
  });
  const stop = async (): Promise<void> => {
    create.child.kill("SIGTERM");
    await create.ended;
    await server.stop();
    folder.remove();
  };
  let browser: Browser;
  try {
    await create.until(/"url": "[^"]+"[\s\S]*\n\}/);
    browser = await chromium.launch({
      ...(browserFile ? { executablePath: browserFile } : {}),
      // No name leads out of this machine: what asks for one fails, and is a problem of the page.
      args: ["--no-sandbox", "--disable-gpu", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"],
    });
  } catch (error) {
    await stop();
    throw error;
  }
  const { url } = JSON.parse(create.stdout) as { url: string };
  const contexts = new Contexts(browser, url, { width, height });
  return {
    url,
    open: (hash = "") => openPage(contexts, url, hash),
    [Symbol.asyncDispose]: async () => {
      await browser.close();
      await stop();
    },
  };
}

/** Contexts that nobody uses are used again: what they have loaded and compiled need not be once more. */
class Contexts {
  readonly #browser: Browser;
  readonly #url: string;
  readonly #viewport: { width: number; height: number };
  readonly #free: BrowserContext[] = [];

  constructor(browser: Browser, url: string, viewport: { width: number; height: number }) {
    this.#browser = browser;
    this.#url = url;
    this.#viewport = viewport;
  }

  /** A page that has been nowhere, with nothing stored. */
  async take(): Promise<Page> {
    const used = this.#free.pop();
    if (used === undefined) return (await this.#create()).newPage();
    const page = await used.newPage();
    const session = await used.newCDPSession(page);
    await session.send("Storage.clearDataForOrigin", { origin: this.#url, storageTypes: STORED });
    await session.detach();
    return page;
  }

  async giveBack(context: BrowserContext): Promise<void> {
    await Promise.all(context.pages().map((page) => page.close()));
    this.#free.push(context);
  }

  async #create(): Promise<BrowserContext> {
    const context = await this.#browser.newContext({
      viewport: this.#viewport,
      reducedMotion: "reduce",
      acceptDownloads: true,
    });
    await context.grantPermissions(["clipboard-read", "clipboard-write"], { origin: this.#url });
    return context;
  }
}

/** All that a page can keep, but for what the browser keeps of the server's files. */
const STORED = "cookies,local_storage,indexeddb,websql,file_systems,service_workers,cache_storage";

async function openPage(contexts: Contexts, url: string, hash: string): Promise<EditorPage> {
  const page = await contexts.take();
  page.setDefaultTimeout(15_000);
  const problems: string[] = [];
  page.on("console", (message) => {
    if (message.type() === "error" || message.type() === "warning") problems.push(message.text());
  });
  page.on("pageerror", (error) => problems.push(String(error)));
  page.on("request", (request) => {
    const asked = request.url();
    if (!asked.startsWith(url) && !/^(data|blob):/.test(asked)) problems.push(`a request left the machine: ${asked}`);
  });
  await page.goto(`${url}/${hash}`);
  await page.getByRole("region", { name: "Canvas" }).waitFor();
  return { page, problems, [Symbol.asyncDispose]: () => contexts.giveBack(page.context()) };
}

/** Saves a flow on the server, so that a page can be opened on it with `#/flow/<name>`. */
export async function saveFlow(url: string, name: string, flow: unknown): Promise<void> {
  const response = await fetch(`${url}/api/flows/${encodeURIComponent(name)}`, {
    method: "PUT",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ flow }),
  });
  if (!response.ok) throw new Error(`${name} was not saved: ${response.status} ${await response.text()}`);
}
