/**
 * A whole process that is an actor: what `rayflow actor` runs, alone or under an ActorManager.
 *
 * A1. It ends when the process that started it is gone, however that one died and whatever node code does.
 * A2. After an uncaught error of node code nothing in it can be trusted: it hands its work back and ends with code 1.
 * A3. Under a manager it leaves Ctrl-C to the manager, which stops its processes in order.
 */
import { Worker } from "node:worker_threads";
import type { NatsConnection } from "@nats-io/transport-node";
import type { Logger } from "pino";
import { toErrorInfo } from "../flow/index.ts";
import { type ConnectOptions, connectNats } from "../nats/index.ts";
import { METRICS, type Metrics, type Tracing } from "../telemetry/index.ts";
import { type Actor, type ActorOptions, startActor } from "./actor.ts";
import { type FromActor, fromManager } from "./actor-ipc.ts";
import { type LoadNodesOptions, loadNodes } from "./node-loader.ts";

export interface ActorProcessOptions extends Omit<ActorOptions, "nc" | "nodes"> {
  readonly connection: ConnectOptions;
  /** Where its node types come from. */
  readonly load: LoadNodesOptions;
  /** How long running work may go on when the process is told to stop, ms. Default 10 000. */
  readonly drainMs?: number | undefined;
  /** Hears of the connection and the actor once it takes work. */
  readonly onUp?: ((up: { readonly nc: NatsConnection; readonly actor: Actor }) => void) | undefined;
}

/** How long a process that has lost its parent or its senses may take to hand its work back. */
const LAST_WISHES_MS = 3_000;
/** How long the last spans may take to be exported, ms. */
const LAST_SPANS_MS = 2_000;

/**
 * Runs an actor until SIGTERM, SIGINT or the end of the parent; resolves with the exit code.
 * @throws ConnectionFailed, NodeLoadError
 */
export async function runActorProcess(options: ActorProcessOptions): Promise<number> {
  const { logger } = options;
  const { tracing } = options;
  const crash = (thrown: unknown) => void giveUp({ actor, nc, tracing }, logger, thrown);
  let nc: NatsConnection | undefined;
  let actor: Actor | undefined;
  process.on("uncaughtException", crash).on("unhandledRejection", crash);
  const told = listen(logger, options.metrics);
  try {
    const loaded = await loadNodes(options.load);
    for (const problem of loaded.problems) logger.warn({ problem }, "a node file could not be loaded");
    nc = await connectNats(options.connection);
    actor = await startActor({ ...options, nc, nodes: loaded.nodes });
    options.onUp?.({ nc, actor });
    tell({ type: "ready", types: [...actor.types], pid: process.pid });
    told.watchParent();
    const reason = await told.toStop;
    logger.info({ reason }, "actor stops");
    await actor.stop({ drainMs: reason === "parent gone" ? 0 : options.drainMs });
    await Promise.all([nc.close(), tracing?.stop(LAST_SPANS_MS)]);
    if (reason === "parent gone") process.exit(0);
    return 0;
  } finally {
    told.end();
    process.off("uncaughtException", crash).off("unhandledRejection", crash);
    await nc?.close();
  }
}

/** Hears signals and the parent; `toStop` resolves with the first reason to end. */
function listen(logger: Logger, metrics: Metrics | undefined) {
  const underManager = process.connected === true;
  let stop: (reason: string) => void = () => {};
  const toStop = new Promise<string>((resolve) => {
    stop = resolve;
  });
  let ready = false;
  let watchdog: Worker | undefined;
  const onSigterm = () => {
    if (!ready) process.exit(143);
    stop("SIGTERM");
  };
  let interrupts = 0;
  const onSigint = () => {
    if (underManager) return;
    if (!ready || ++interrupts > 1) process.exit(130);
    stop("SIGINT");
  };
  const onDisconnect = () => {
    if (!ready) process.exit(1);
    setTimeout(() => process.exit(1), LAST_WISHES_MS).unref();
    stop("parent gone");
  };
  const onMessage = (message: unknown) => {
    const parsed = fromManager.safeParse(message);
    if (parsed.success && parsed.data.type === "metrics") void tellMetrics(metrics, parsed.data.id);
    else if (parsed.success) tell({ type: "pong", id: parsed.data.id });
    else logger.warn("got a message over IPC that makes no sense");
  };
  process.on("SIGTERM", onSigterm).on("SIGINT", onSigint);
  if (underManager) process.on("disconnect", onDisconnect).on("message", onMessage);
  return {
    toStop,
    watchParent() {
      ready = true;
      if (underManager) watchdog = watchParentAside();
    },
    end() {
      process.off("SIGTERM", onSigterm).off("SIGINT", onSigint);
      process.off("disconnect", onDisconnect).off("message", onMessage);
      void watchdog?.terminate();
    },
  };
}

/** Node code that never lets the event loop turn hears nothing: a thread of its own sees that the parent is gone. */
function watchParentAside(): Worker {
  const code = `
    const parent = process.ppid;
    setInterval(() => { if (process.ppid !== parent) process.kill(process.pid, "SIGKILL"); }, ${LAST_WISHES_MS + 1_000});
  `;
  const worker = new Worker(code, { eval: true, resourceLimits: { maxOldGenerationSizeMb: 8 } });
  worker.unref();
  return worker;
}

function tell(message: FromActor): void {
  // The channel may close at this very moment; then `disconnect` says so.
  if (process.connected) process.send?.(message, undefined, undefined, () => {});
}

/** What its manager does not count for itself. */
async function tellMetrics(metrics: Metrics | undefined, id: number): Promise<void> {
  const samples = (await metrics?.collect({ own: true })) ?? [];
  tell({ type: "metrics", id, samples: samples.filter(({ name }) => METRICS[name].owner === "actor") });
}

async function giveUp(
  { actor, nc, tracing }: { actor?: Actor | undefined; nc?: NatsConnection | undefined; tracing: Tracing | undefined },
  logger: Logger,
  thrown: unknown,
): Promise<void> {
  process.exitCode = 1;
  setTimeout(() => process.exit(1), LAST_WISHES_MS);
  const stack = thrown instanceof Error ? thrown.stack : undefined;
  logger.fatal({ error: toErrorInfo(thrown), stack }, "uncaught error in this actor process: it ends");
  await actor?.stop({ drainMs: 0 }).catch(() => {});
  await Promise.all([nc?.close().catch(() => {}), tracing?.stop(LAST_SPANS_MS)]);
  process.exit(1);
}
