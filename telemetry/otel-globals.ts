/** What is registered for the whole process, for its own code and for libraries that are traced. */
import { context, propagation, trace } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import type { W3CTraceContextPropagator } from "@opentelemetry/core";
import type { BasicTracerProvider } from "@opentelemetry/sdk-trace-base";

export interface Registered {
  /** Follows no promise any more, until a span is made active. */
  rest(): void;
  /** Takes all of it back. */
  end(): void;
}

/** Makes libraries that are traced in this process find the active span. */
export function register(provider: BasicTracerProvider, propagator: W3CTraceContextPropagator): Registered {
  const manager = new AsyncLocalStorageContextManager().enable();
  // Where the program has an SDK of its own, its manager is the one that its libraries ask.
  const isOurs = context.setGlobalContextManager(manager);
  if (!isOurs) manager.disable();
  const isOurProvider = trace.setGlobalTracerProvider(provider);
  const isOurPropagator = propagation.setGlobalPropagator(propagator);
  return {
    rest: () => {
      if (isOurs) manager.disable();
    },
    end: () => {
      if (isOurs) context.disable();
      if (isOurProvider) trace.disable();
      if (isOurPropagator) propagation.disable();
    },
  };
}
