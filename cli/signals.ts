/** Ctrl-C and its relatives: the first one asks for an orderly end, the second one does not ask. */
import { RayflowError } from "../flow/index.ts";
import type { Environment } from "./environment.ts";
import { EXIT } from "./exit-codes.ts";

const PARENT_CHECK_MS = 500;
const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

export interface StopSignal extends Disposable {
  /** Aborts at the first signal. */
  readonly signal: AbortSignal;
  /** Resolves at the first signal. */
  readonly received: Promise<NodeJS.Signals>;
}

/**
 * Listens from now until disposed. Under npm or npx a shell stands between them and this process, and hands no signal on:
 * there the end of the parent counts as one too.
 */
export function stopSignal(environment: Pick<Environment, "npm_command">): StopSignal {
  const controller = new AbortController();
  let resolve: (signal: NodeJS.Signals) => void = () => {};
  const received = new Promise<NodeJS.Signals>((done) => {
    resolve = done;
  });
  const listener = (signal: NodeJS.Signals) => {
    if (controller.signal.aborted) process.exit(EXIT.interrupted);
    controller.abort();
    resolve(signal);
  };
  for (const signal of SIGNALS) process.on(signal, listener);
  const parent = process.ppid;
  const watch =
    environment.npm_command === undefined
      ? undefined
      : setInterval(() => {
          if (process.ppid !== parent && !controller.signal.aborted) listener("SIGTERM");
        }, PARENT_CHECK_MS).unref();
  return {
    signal: controller.signal,
    received,
    [Symbol.dispose]: () => {
      clearInterval(watch);
      for (const signal of SIGNALS) process.removeListener(signal, listener);
    },
  };
}

/** What a command fails with that was told to stop before it was done. */
export function interrupted(): RayflowError {
  return new RayflowError("Interrupted", "stopped by a signal", { retryable: false });
}
