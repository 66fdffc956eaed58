/** What the gateway counts of its requests. */
import type { Metrics } from "../../telemetry/index.ts";

export interface HttpMetrics {
  /** `route`: the pattern, never the address that was asked for. */
  request(labels: { readonly method: string; readonly route: string; readonly status: number }, seconds: number): void;
  streamOpened(): void;
  streamClosed(): void;
  /** A run that was started through the gateway. */
  run(outcome: "accepted" | "succeeded" | "failed" | "cancelled" | "refused"): void;
  /** All metrics of this process, as Prometheus reads them. */
  text(): Promise<string>;
  /** Ends what is observed. */
  end(): void;
}

export function httpMetrics(metrics: Metrics): HttpMetrics {
  let streams = 0;
  const end = metrics.observe("rayflow_http_streams_open", () => [[[], streams]]);
  return {
    request: ({ method, route, status }, seconds) => {
      metrics.count("rayflow_http_requests_total", method, route, String(status));
      metrics.histogram("rayflow_http_request_duration_seconds", method, route).record(seconds);
    },
    streamOpened: () => void streams++,
    streamClosed: () => void streams--,
    run: (outcome) => metrics.count("rayflow_http_runs_total", outcome),
    text: () => metrics.render(),
    end,
  };
}
