/** The data folder of `rayflow dev`: one process at a time may own it, and others find its server there. */
import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";

/** The default, relative to the folder that `rayflow dev` runs in. */
export const DEV_FOLDER = path.join(".rayflow", "dev");
const OWNER_FILE = "owner.json";
const CLAIM_ATTEMPTS = 5;

export interface DevState {
  readonly pid: number;
  /** Absent while it starts. */
  readonly url?: string;
}

/** Who owns the folder; undefined when nobody does whose process lives. */
export function readDevState(folder: string): DevState | undefined {
  try {
    const state: unknown = JSON.parse(readFileSync(path.join(folder, OWNER_FILE), "utf8"));
    if (typeof state !== "object" || state === null || !("pid" in state) || typeof state.pid !== "number") return;
    if (!isAlive(state.pid)) return undefined;
    return "url" in state && typeof state.url === "string" ? { pid: state.pid, url: state.url } : { pid: state.pid };
  } catch {
    return undefined;
  }
}

export interface DevClaim {
  /** Lets others find the server. */
  publish(url: string): void;
  release(): void;
}

/** Takes the folder for this process; undefined when another one has it. */
export function claimDevFolder(folder: string): DevClaim | undefined {
  mkdirSync(folder, { recursive: true });
  const file = path.join(folder, OWNER_FILE);
  const own = `${file}.${process.pid}`;
  const write = (state: DevState): void => writeFileSync(own, JSON.stringify(state));
  for (let attempt = 0; attempt < CLAIM_ATTEMPTS; attempt++) {
    if (!linkOwnerFile(write, own, file)) {
      if (readDevState(folder) !== undefined) return undefined;
      rmSync(file, { force: true });
      continue;
    }
    return {
      publish: (url) => {
        write({ pid: process.pid, url });
        renameSync(own, file);
      },
      release: () => {
        if (readDevState(folder)?.pid === process.pid) rmSync(file, { force: true });
      },
    };
  }
  return undefined;
}

/** Puts the file in place unless there is one; nobody ever sees it half written. */
function linkOwnerFile(write: (state: DevState) => void, own: string, file: string): boolean {
  write({ pid: process.pid });
  try {
    linkSync(own, file);
    return true;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EEXIST") return false;
    throw error;
  } finally {
    rmSync(own, { force: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}
