/**
 * A real browser on a real `rayflow create`, for the editor's tests.
 *
 * The browser: what RAYFLOW_CHROMIUM names, else a Chromium or Chrome on PATH (Debian's `chromium`, which the set-up
 * installs where it may). Where there is none the tests are skipped, and say so loudly.
 */
import { type Browser, chromium, type Page } from "playwright-core";
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
      args: ["--no-sandbox", "--disable-gpu"],
    });
  } catch (error) {
    await stop();
    throw error;
  }
  const { url } = JSON.parse(create.stdout) as { url: string };
  return {
    url,
    open: (hash = "") => openPage(browser, url, hash, { width, height }),
    [Symbol.asyncDispose]: async () => {
      await browser.close();
      await stop();
    },
  };
}

async function openPage(
  browser: Browser,
  url: string,
  hash: string,
  viewport: { width: number; height: number },
): Promise<EditorPage> {
  const context = await browser.newContext({ viewport, reducedMotion: "reduce", acceptDownloads: true });
  await context.grantPermissions(["clipboard-read", "clipboard-write"], { origin: url });
  const page = await context.newPage();
  page.setDefaultTimeout(15_000);
  const problems: string[] = [];
  page.on("console", (message) => {
    if (message.type() === "error" || message.type() === "warning") problems.push(message.text());
  });
  page.on("pageerror", (error) => problems.push(String(error)));
  await context.route("**", async (route) => {
    const asked = route.request().url();
    if (asked.startsWith(url) || /^(data|blob):/.test(asked)) return route.continue();
    problems.push(`a request left the machine: ${asked}`);
    return route.abort();
  });
  await page.goto(`${url}/${hash}`);
  await page.getByRole("region", { name: "Canvas" }).waitFor();
  return { page, problems, [Symbol.asyncDispose]: () => context.close() };
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
