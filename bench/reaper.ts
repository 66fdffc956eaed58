/**
 * Ends the processes of a bench that has gone, however it went: a small shell of its own group reads their ids from a
 * pipe, and when the pipe closes, those that have not been reported as ended get a SIGTERM.
 */
import { type ChildProcess, spawn } from "node:child_process";

const SHELL = `
trap '' INT TERM HUP
pids=" "
while read -r sign pid; do
  if [ "$sign" = + ]; then pids="$pids$pid "
  else pids=" $(echo "$pids" | sed "s/ $pid / /; s/^ *//; s/ *$//") "
  fi
done
for pid in $pids; do kill -TERM "$pid"; done
`;

let shell: ChildProcess | undefined;

/** Has this process ended when we are gone, unless it ends before. */
export function reap(child: ChildProcess): void {
  const { pid } = child;
  if (pid === undefined) return;
  shell ??= startShell();
  const tell = (sign: "+" | "-"): void => {
    shell?.stdin?.write(`${sign} ${pid}\n`);
  };
  tell("+");
  child.once("exit", () => tell("-"));
}

function startShell(): ChildProcess {
  const started = spawn("/bin/sh", ["-c", SHELL], { detached: true, stdio: ["pipe", "ignore", "ignore"] });
  started.unref();
  started.once("exit", () => {
    shell = undefined;
  });
  const { stdin } = started;
  stdin?.on("error", () => {});
  if (stdin && "unref" in stdin && typeof stdin.unref === "function") stdin.unref();
  return started;
}
