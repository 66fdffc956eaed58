/**
 * Handlers as plain functions, a promise for a unary method and an async generator for a stream, and the calls of grpc-js
 * around them.
 *
 * C1. A call whose deadline passes is told so by us too: a client behind a proxy may not see its own.
 * C2. A reader that does not read holds the generator, not memory.
 * C3. While NATS is away a call fails at once instead of waiting for it.
 */
import type { DescMessage, DescService, MessageShape } from "@bufbuild/protobuf";
import type { ServerUnaryCall, ServerWritableStream, sendUnaryData, UntypedServiceImplementation } from "@grpc/grpc-js";
import { RayflowError } from "../../flow/index.ts";
import { statusOfError } from "./status.ts";

interface MethodShape {
  readonly input: DescMessage;
  readonly output: DescMessage;
  readonly methodKind: string;
}

export type UnaryHandlers<S extends DescService> = {
  [K in keyof S["method"] as S["method"][K] extends { methodKind: "unary" }
    ? K
    : never]: S["method"][K] extends MethodShape
    ? (request: MessageShape<S["method"][K]["input"]>) => Promise<MessageShape<S["method"][K]["output"]>>
    : never;
};

export type StreamHandlers<S extends DescService> = {
  [K in keyof S["method"] as S["method"][K] extends { methodKind: "server_streaming" }
    ? K
    : never]: S["method"][K] extends MethodShape
    ? (
        request: MessageShape<S["method"][K]["input"]>,
        signal: AbortSignal,
      ) => AsyncGenerator<MessageShape<S["method"][K]["output"]>>
    : never;
};

export interface CallOptions {
  /** Whether NATS is there at the moment. */
  readonly isConnected: () => boolean;
  /** Ends streams when the server stops. */
  readonly stopping: AbortSignal;
  /** Hears of failures that nobody foresaw. */
  readonly onFailure: (method: string, error: unknown) => void;
}

const INTERNAL = 13;

/** What grpc-js serves: every method of the service by name. */
export function implementation<S extends DescService>(
  service: S,
  unary: UnaryHandlers<S>,
  streams: StreamHandlers<S>,
  options: CallOptions,
): UntypedServiceImplementation {
  const served: UntypedServiceImplementation = {};
  for (const method of service.methods) {
    const handlers = { ...unary, ...streams } as Record<string, unknown>;
    const handle = handlers[method.localName];
    served[method.name] =
      method.methodKind === "server_streaming"
        ? streamCall(method.name, handle as (request: unknown, signal: AbortSignal) => AsyncGenerator<unknown>, options)
        : unaryCall(method.name, handle as (request: unknown) => Promise<unknown>, options);
  }
  return served;
}

function unaryCall(name: string, handle: (request: unknown) => Promise<unknown>, options: CallOptions) {
  return (call: ServerUnaryCall<unknown, unknown>, callback: sendUnaryData<unknown>): void => {
    const { late, forget } = deadlineOf(call);
    const answered = requireConnection(options).then(() => handle(call.request));
    void Promise.race([answered, late])
      .then((answer) => callback(null, answer))
      .catch((error: unknown) => callback(failureOf(name, error, options)))
      .finally(forget);
    // The answer to a call that is over interests nobody.
    answered.catch(() => undefined);
  };
}

function streamCall(
  name: string,
  handle: (request: unknown, signal: AbortSignal) => AsyncGenerator<unknown>,
  options: CallOptions,
) {
  return async (call: ServerWritableStream<unknown, unknown>): Promise<void> => {
    const closing = new AbortController();
    const close = (): void => closing.abort();
    const { late, forget } = deadlineOf(call);
    let failure: unknown;
    late.catch((error: unknown) => {
      failure = error;
      close();
    });
    call.on("cancelled", close);
    call.on("error", close);
    options.stopping.addEventListener("abort", close, { once: true });
    try {
      await requireConnection(options);
      for await (const message of handle(call.request, closing.signal)) {
        if (call.cancelled) break;
        if (!call.write(message)) await drained(call, closing.signal);
      }
      if (options.stopping.aborted) failure ??= new RayflowError("ConnectionFailed", "the executor stops: ask another");
    } catch (error) {
      failure ??= error;
    } finally {
      forget();
      options.stopping.removeEventListener("abort", close);
    }
    if (failure === undefined) call.end();
    else call.emit("error", failureOf(name, failure, options));
  };
}

function failureOf(name: string, error: unknown, { onFailure, isConnected }: CallOptions) {
  const status = statusOfError(error);
  if (status.code !== INTERNAL) return status;
  if (!isConnected()) return statusOfError(away());
  onFailure(name, error);
  return status;
}

async function requireConnection({ isConnected }: CallOptions): Promise<void> {
  if (!isConnected()) throw away();
}

function away(): RayflowError {
  return new RayflowError("ConnectionFailed", "NATS does not answer at the moment");
}

/** Rejects when the client's deadline passes. */
function deadlineOf(call: { getDeadline(): Date | number }): { late: Promise<never>; forget: () => void } {
  const deadline = call.getDeadline();
  const leftMs = (typeof deadline === "number" ? deadline : deadline.getTime()) - Date.now();
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    // Further away than a timer counts is never.
    if (!Number.isFinite(leftMs) || leftMs > 2 ** 31 - 1) return;
    timer = setTimeout(() => reject(new RayflowError("RunTimeout", "the call's deadline has passed")), leftMs);
  });
  late.catch(() => undefined);
  return { late, forget: () => clearTimeout(timer) };
}

function drained(call: ServerWritableStream<unknown, unknown>, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const done = (): void => {
      call.off("drain", done);
      signal.removeEventListener("abort", done);
      resolve();
    };
    call.once("drain", done);
    signal.addEventListener("abort", done, { once: true });
  });
}
