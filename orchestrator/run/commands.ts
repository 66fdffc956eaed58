/** What the run machine wants done. It does nothing itself: the service carries these out, each under its own id. */
import type { DispatchEntry, RunEvent, RunMessage, SubmittedMessage } from "../../nats/messages.ts";

export type Command =
  /** Run a node: one entry for `rayflow.node.<type>`. */
  | { readonly type: "sendExec"; readonly nodeType: string; readonly entry: DispatchEntry }
  /** Evaluate a pure node for a consumer. */
  | { readonly type: "sendData"; readonly nodeType: string; readonly entry: DispatchEntry }
  /** Wake the run with a `timer` message of this id at a time (ms since 1970, by the log's clock). */
  | { readonly type: "setTimer"; readonly id: string; readonly at: number }
  | { readonly type: "cancelTimer"; readonly id: string }
  /** Put a message into the run's own log. */
  | { readonly type: "append"; readonly id: string; readonly message: RunMessage }
  /** Start a child run that reports back to the activation which waits for it. */
  | {
      readonly type: "startChild";
      readonly id: string;
      readonly flow: unknown;
      readonly inputs: Readonly<Record<string, unknown>>;
      readonly parent: NonNullable<SubmittedMessage["parent"]>;
      /** The span of the activation that waits for it; undefined: the run is not traced. */
      readonly traceparent: string | undefined;
      readonly tracestate: string | undefined;
    }
  /** Cancel the child run of this execution. */
  | { readonly type: "stopChild"; readonly id: string }
  /** News for whoever watches; may be lost. */
  | { readonly type: "announce"; readonly event: RunEvent }
  /** Tell running node code to stop: these executions, or all of the run. */
  | { readonly type: "stop"; readonly executions: readonly string[] | undefined };
