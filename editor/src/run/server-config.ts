/** What the server says of itself, asked once. */
import { useEffect } from "react";
import { create } from "zustand";
import type { ServerConfig } from "../api/answers.ts";
import { api } from "../stores/gateway.ts";

const useConfig = create<{ readonly config: ServerConfig | undefined }>()(() => ({ config: undefined }));
let isAsked = false;

export function useServerConfig(): ServerConfig | undefined {
  useEffect(() => {
    if (isAsked) return;
    isAsked = true;
    api.config().then(
      (config) => useConfig.setState({ config }),
      () => {
        isAsked = false;
      },
    );
  }, []);
  return useConfig((state) => state.config);
}

/** Where a run's trace is looked at; undefined when nobody said, or the run has none. */
export function traceUrl(template: string | null | undefined, traceparent: string | undefined): string | undefined {
  const id = /^[0-9a-f]{2}-([0-9a-f]{32})-/.exec(traceparent ?? "")?.[1];
  // Nothing but a web page: the address comes from a server's settings.
  if (!template || id === undefined || !/^https?:\/\//.test(template)) return undefined;
  return template.replaceAll("{trace_id}", id);
}
