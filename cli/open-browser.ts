/** Shows a page in the user's browser. */
import { spawn } from "node:child_process";
import type { CliContext } from "./context.ts";

/** Whether there is a person to show something to. */
export function mayOpen({ output, environment }: CliContext, wanted: boolean): boolean {
  return wanted && output.format === "table" && process.stdout.isTTY === true && !environment.CI && hasDisplay();
}

/** Does nothing where there is no browser. */
export function openBrowser(url: string): void {
  const [command, ...args] = commandFor(url);
  const child = spawn(command, args, { stdio: "ignore", detached: true });
  child.on("error", () => {});
  child.unref();
}

function commandFor(url: string): [string, ...string[]] {
  if (process.platform === "darwin") return ["open", url];
  if (process.platform === "win32") return ["cmd", "/c", "start", "", url];
  return ["xdg-open", url];
}

function hasDisplay(): boolean {
  if (process.platform !== "linux") return true;
  return process.env.DISPLAY !== undefined || process.env.WAYLAND_DISPLAY !== undefined;
}
