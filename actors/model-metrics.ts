/** What an actor counts of models and deliberations. */
import { createMetrics, type Metrics } from "../telemetry/index.ts";

/** What the ai nodes tell. */
export interface ModelObserver {
  /** A request has begun; gives what is told of its end. `status`: the HTTP status, `ok`, `unreachable` or `cancelled`. */
  request(endpoint: string): (status: string) => void;
  /** How long a request waited for its turn, seconds. */
  waited(endpoint: string, seconds: number): void;
  tokens(endpoint: string, usage: { readonly prompt_tokens: number; readonly completion_tokens: number }): void;
  deliberationStarted(): void;
  /** `seconds`: from its start. */
  deliberationEnded(outcome: "completed" | "failed", seconds: number): void;
  answer(outcome: "completed" | "failed"): void;
  /** What is read is read no more. */
  close(): void;
}

/** Default: what is counted is for nobody. */
export function modelObserver(metrics: Metrics = createMetrics({ service: "actor" })): ModelObserver {
  const open = new Map<string, number>();
  const close = metrics.observe("rayflow_model_requests_in_flight", () =>
    [...open].map(([name, count]) => [[name], count] as const),
  );
  const add = (endpoint: string, by: number): void => void open.set(endpoint, (open.get(endpoint) ?? 0) + by);
  return {
    close,
    request(endpoint) {
      const began = performance.now();
      add(endpoint, 1);
      return (status) => {
        add(endpoint, -1);
        metrics.count("rayflow_model_requests_total", endpoint, status);
        metrics.histogram("rayflow_model_request_seconds", endpoint).record((performance.now() - began) / 1_000);
      };
    },
    waited: (endpoint, seconds) => metrics.histogram("rayflow_model_wait_seconds", endpoint).record(seconds),
    tokens(endpoint, { prompt_tokens, completion_tokens }) {
      metrics.counter("rayflow_model_tokens_total", endpoint, "prompt").value += prompt_tokens;
      metrics.counter("rayflow_model_tokens_total", endpoint, "completion").value += completion_tokens;
    },
    deliberationStarted: () => metrics.count("rayflow_deliberations_total", "started"),
    deliberationEnded(outcome, seconds) {
      metrics.count("rayflow_deliberations_total", outcome);
      metrics.histogram("rayflow_deliberation_seconds", outcome).record(seconds);
    },
    answer: (outcome) => metrics.count("rayflow_deliberation_answers_total", outcome),
  };
}
