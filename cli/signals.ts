/** Ctrl-C and its relatives: the first one asks for an orderly end, the second one does not ask. */
import { EXIT } from "./exit-codes.ts";

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

export interface StopSignal extends Disposable {
  /** Aborts at the first signal. */
  readonly signal: AbortSignal;
  /** Resolves at the first signal. */
  readonly received: Promise<NodeJS.Signals>;
}

/** Listens from now until disposed. `onSecond` runs before the process ends at once. */
export function stopSignal(onSecond: () => void = () => {}): StopSignal {
  const controller = new AbortController();
  let resolve: (signal: NodeJS.Signals) => void = () => {};
  const received = new Promise<NodeJS.Signals>((done) => {
    resolve = done;
  });
  const listener = (signal: NodeJS.Signals) => {
    if (controller.signal.aborted) {
      onSecond();
      process.exit(EXIT.interrupted);
    }
    controller.abort();
    resolve(signal);
  };
  for (const signal of SIGNALS) process.on(signal, listener);
  return {
    signal: controller.signal,
    received,
    [Symbol.dispose]: () => {
      for (const signal of SIGNALS) process.removeListener(signal, listener);
    },
  };
}
