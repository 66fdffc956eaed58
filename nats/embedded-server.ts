/**
 * A nats-server of our own for development and tests: loopback only, its own port, its own data.
 *
 * The server runs in its own process group under a small shell that holds one end of a pipe from this process.
 * E1. A Ctrl-C in the terminal does not reach the server: this process drains first and then stops it.
 * E2. When this process is gone, however it died, the pipe closes and the shell stops the server and removes its files.
 * E3. Nothing of it keeps this process's event loop alive.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { mkdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { RayflowError } from "../flow/index.ts";
import { findServerBinary } from "./server-binary.ts";

export interface EmbeddedServerOptions {
  /** The nats-server to start. Default: what `findServerBinary` finds. */
  readonly binary?: string;
  /** Where JetStream keeps its data. Default: a temporary folder, removed on stop. */
  readonly storeDir?: string;
  /** Default: one that is free, chosen by the server. */
  readonly port?: number;
  /** Whether every write is fsynced before it is acknowledged. Default false: every two minutes. */
  readonly syncAlways?: boolean;
  /** Largest message, bytes. Default: the server's own, 1 MiB. */
  readonly maxPayload?: number;
  readonly name?: string;
  /** Default: in the temporary folder. */
  readonly logFile?: string;
  /** Lines added to the server's configuration. */
  readonly extraConfig?: string;
  /** How long to wait for the server to listen, ms. Default 10 000: recovery of a large store takes a while. */
  readonly startTimeoutMs?: number;
}

export interface EmbeddedServer extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  /** The nats-server's own process id; another one after `restart`. */
  readonly pid: number;
  readonly storeDir: string;
  /** Resolves when the current server process has ended, with its exit code (128 + signal number when killed). */
  readonly exited: Promise<number>;
  /** Shuts down in an orderly way and removes what is temporary. */
  stop(): Promise<void>;
  /** Ends the process and nothing else; resolves when it is gone. Default SIGKILL. */
  kill(signal?: NodeJS.Signals): Promise<number>;
  /** Starts again on the same port and data; stops in an orderly way before that unless already dead. */
  restart(): Promise<void>;
}

interface Process {
  readonly pid: number;
  readonly port: number;
  readonly exited: Promise<number>;
  readonly shell: ChildProcess;
}

// $1: the folder to remove when the parent is gone; the rest: the server. fd 3: the parent's pipe.
const SHELL = `
files=$1; shift
"$@" </dev/null >/dev/null 3<&- &
server=$!
(
  read -r _ <&3
  trap '' TERM
  kill -TERM "$server"
  tries=0
  while kill -0 "$server" && [ "$tries" -lt 50 ]; do sleep 0.1; tries=$((tries + 1)); done
  kill -KILL "$server"
  rm -rf -- "$files"
) >/dev/null 2>&1 &
watcher=$!
exec 3<&-
echo "$server"
exec >/dev/null
wait "$server"
code=$?
kill "$watcher" 2>/dev/null
exit "$code"
`;

/**
 * Starts a nats-server with JetStream and resolves once it takes connections.
 * @throws ServerMissing, ConnectionFailed when it ends or stays silent before it is ready
 */
export async function startEmbeddedServer(options: EmbeddedServerOptions = {}): Promise<EmbeddedServer> {
  const binary = options.binary ?? (await findServerBinary()).path;
  const files = mkdtempSync(join(tmpdir(), "rayflow-nats-"));
  const storeDir = resolve(options.storeDir ?? join(files, "data"));
  const logFile = resolve(options.logFile ?? join(files, "server.log"));
  const removeFiles = () => rmSync(files, { recursive: true, force: true });
  process.once("exit", removeFiles);

  const start = async (port: number): Promise<Process> => {
    writeFileSync(join(files, "nats.conf"), configuration(options, storeDir, port));
    return startProcess(binary, files, logFile, options.startTimeoutMs ?? 10_000);
  };

  let current: Process;
  try {
    await mkdir(storeDir, { recursive: true });
    current = await start(options.port ?? -1);
  } catch (error) {
    process.removeListener("exit", removeFiles);
    removeFiles();
    throw error;
  }
  const port = current.port;

  const end = async (signal: NodeJS.Signals): Promise<number> => {
    current.shell.ref();
    try {
      process.kill(current.pid, signal);
    } catch {
      // Gone already.
    }
    return current.exited;
  };
  const stop = async (): Promise<void> => {
    await end("SIGTERM");
    process.removeListener("exit", removeFiles);
    await rm(files, { recursive: true, force: true });
  };
  return {
    url: `nats://127.0.0.1:${port}`,
    port,
    storeDir,
    get pid() {
      return current.pid;
    },
    get exited() {
      return current.exited;
    },
    stop,
    kill: (signal = "SIGKILL") => end(signal),
    restart: async () => {
      await end("SIGTERM");
      current = await start(port);
    },
    [Symbol.asyncDispose]: stop,
  };
}

function configuration(options: EmbeddedServerOptions, storeDir: string, port: number): string {
  const sync = options.syncAlways === true ? "  sync_interval: always\n" : "";
  return [
    `listen: "127.0.0.1:${port}"`,
    ...(options.name === undefined ? [] : [`server_name: ${JSON.stringify(options.name)}`]),
    ...(options.maxPayload === undefined ? [] : [`max_payload: ${options.maxPayload}`]),
    `jetstream {\n  store_dir: ${JSON.stringify(storeDir)}\n${sync}}`,
    options.extraConfig ?? "",
  ].join("\n");
}

async function startProcess(binary: string, files: string, logFile: string, timeoutMs: number): Promise<Process> {
  for (const old of portFiles(files)) rmSync(join(files, old), { force: true });
  const log = openSync(logFile, "a");
  const command = [binary, "-c", join(files, "nats.conf"), "--ports_file_dir", files];
  const shell = spawn("/bin/sh", ["-c", SHELL, "rayflow-nats", files, ...command], {
    detached: true,
    stdio: ["ignore", "pipe", log, "pipe"],
  });
  closeSync(log);
  const exited = new Promise<number>((done) => {
    shell.once("error", () => done(127));
    shell.once("exit", (code, signal) => done(code ?? (signal === "SIGKILL" ? 137 : 143)));
  });
  let ended = false;
  void exited.then(() => {
    ended = true;
  });
  let printed = "";
  shell.stdout?.setEncoding("utf8").on("data", (text: string) => {
    printed += text;
  });
  // Writing to a pipe whose reader has gone is no news: `exited` tells.
  shell.stdio[3]?.on("error", () => {});

  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const port = listeningPort(files);
    if (port !== undefined && printed.endsWith("\n")) {
      releaseEventLoop(shell);
      return { pid: Number(printed), port, exited, shell };
    }
    if (ended || performance.now() > deadline) {
      shell.stdio[3]?.destroy();
      const why = ended ? `ended with code ${await exited}` : `does not listen after ${timeoutMs} ms`;
      throw new RayflowError("ConnectionFailed", `the embedded nats-server ${why}: ${lastLines(logFile)}`);
    }
    await delay(2);
  }
}

/** The port in the file that the server writes once it takes connections. */
function listeningPort(files: string): number | undefined {
  for (const name of portFiles(files)) {
    try {
      const port = /"(?:nats|tls):\/\/[^"]*:(\d+)"/.exec(readFileSync(join(files, name), "utf8"))?.[1];
      if (port !== undefined) return Number(port);
    } catch {
      // Not written to its end yet.
    }
  }
  return undefined;
}

function portFiles(files: string): string[] {
  return readdirSync(files).filter((name) => name.endsWith(".ports"));
}

function releaseEventLoop(shell: ChildProcess): void {
  shell.unref();
  for (const stream of shell.stdio) {
    if (stream !== null && stream !== undefined && "unref" in stream && typeof stream.unref === "function") {
      stream.unref();
    }
  }
}

function lastLines(logFile: string): string {
  try {
    const lines = readFileSync(logFile, "utf8").trim().split("\n");
    const telling = lines.filter((line) => !line.includes("[INF]"));
    return (telling.length > 0 ? telling : lines).slice(-8).join("\n").slice(-2_000);
  } catch {
    return "no log";
  }
}
