/** Where `rayflow dev` and `rayflow create` keep their server's data, and on which port it listens. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { claimDevFolder, type DevClaim, readDevState } from "./dev-folder.ts";
import type { StackPart } from "./local-stack.ts";

export const DEFAULT_NATS_PORT = 4222;

export interface DataFolder {
  readonly folder: string;
  readonly claim: DevClaim | undefined;
  release(): void;
}

/** The folder that was asked for; a temporary one while another RayFlow has that. */
export function takeDataFolder(folder: string, say: (line: string) => void): DataFolder {
  const claim = claimDevFolder(folder);
  if (claim !== undefined) return { folder, claim, release: claim.release };
  const owner = readDevState(folder);
  say(
    `Another rayflow dev (process ${owner?.pid}, ${owner?.url ?? "starting"}) has ${folder}: using a temporary folder`,
  );
  const temporary = mkdtempSync(path.join(tmpdir(), "rayflow-dev-"));
  return {
    folder: temporary,
    claim: undefined,
    release: () => rmSync(temporary, { recursive: true, force: true }),
  };
}

/** The port, or undefined (any) when something listens there. */
export async function freePort(port: number, say: (line: string) => void): Promise<number | undefined> {
  const { createServer } = await import("node:net");
  const free = await new Promise<boolean>((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
  if (free) return port;
  say(`Port ${port} is taken: using a free one`);
  return undefined;
}

export function partLine(part: StackPart): string {
  switch (part.kind) {
    case "server":
      return `  nats-server ${part.version}   ${part.url}   (process ${part.pid})`;
    case "orchestrator":
      return `  orchestrator         ${part.id}`;
    case "gateway":
      return `  gateway              ${part.url}`;
    case "actor":
      return `  actor                ${part.types} node types   (process ${part.pid})`;
    case "actor-exited":
      return `  an actor process ended; it starts again in ${part.restartInMs} ms`;
  }
}
