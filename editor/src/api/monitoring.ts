/** What the monitoring page asks the gateway, and what it hears. */
import { messagesOf, pause, toApiError } from "./events.ts";
import { ApiError, type ApiOptions, clientCodes, send, sendJson } from "./request.ts";

export type DeliberationStatus = "running" | "completed" | "failed" | "cancelled";

export interface ServiceView {
  readonly service: string;
  readonly id: string;
  readonly version: string;
  readonly uptime_seconds: number | null;
  readonly connections: readonly {
    readonly name: string;
    readonly state: "ok" | "down" | "unknown";
    readonly detail: string;
  }[];
}

export interface DeliberationView {
  readonly deliberation_id: string;
  readonly task_id: string;
  readonly task_description: string;
  readonly role: string;
  readonly status: DeliberationStatus;
  readonly agent_ids: readonly string[];
  readonly submitted_at: string;
  readonly ended_at: string | null;
  readonly error: string | null;
  readonly plan_id: string | null;
  readonly story_id: string | null;
}

export interface AgentStream {
  readonly agent_id: string;
  readonly round: number;
  readonly attempt: number;
  readonly state: "streaming" | "completed" | "failed";
  readonly text: string;
  /** Of the last token in `text`, from 0; -1 before the first. */
  readonly seq: number;
  readonly score: number | null;
  readonly error: string | null;
}

export interface DeliberationDetail extends DeliberationView {
  readonly winner: { readonly agent_id: string; readonly proposal: string; readonly score: number } | null;
  readonly agents: readonly AgentStream[];
}

export interface MonitoringOverview {
  readonly at: string;
  readonly services: readonly ServiceView[];
  readonly actors: readonly {
    readonly type: string;
    readonly waiting: number;
    readonly queued: number;
    readonly running: number;
  }[];
  readonly totals: {
    readonly total: number;
    readonly active: number;
    readonly completed: number;
    readonly failed: number;
    readonly cancelled: number;
    readonly average_execution_time_ms: number;
  };
  readonly deliberations: readonly DeliberationView[];
  readonly councils: readonly {
    readonly role: string;
    readonly deliberations: number;
    readonly last_active_at: string;
    readonly agents: readonly {
      readonly id: string;
      readonly model: string;
      readonly deliberations: number;
      readonly last_active_at: string;
    }[];
  }[];
  readonly jobs: readonly {
    readonly job_id: string;
    readonly node: string;
    readonly state: "RUNNING" | "RETRYING" | "PENDING";
    readonly deliberation_id: string;
    readonly task_id: string;
    readonly role: string;
    readonly agent_id: string | null;
    readonly attempt: number;
    readonly started_at: string | null;
  }[];
}

export interface TestCase {
  readonly name: string;
  readonly description: string;
}

export interface TestCaseRun {
  readonly test_case: string;
  readonly plan_id: string;
  readonly deliberations: readonly { readonly task_id: string; readonly deliberation_id: string }[];
}

/** A message of NATS as it passed. */
export interface PassedMessage {
  readonly id: number;
  readonly subject: string;
  readonly at: string;
  readonly bytes: number;
  readonly data: unknown;
  readonly cut: boolean;
}

export type MessageNews =
  | { readonly kind: "open" }
  | { readonly kind: "message"; readonly message: PassedMessage }
  | { readonly kind: "lost"; readonly error: ApiError };

export function createMonitoringClient(options: ApiOptions) {
  const call = <T>(method: string, path: string, signal?: AbortSignal): Promise<T> =>
    sendJson<T>(options, method, path, { signal });
  return {
    overview: (signal?: AbortSignal) => call<MonitoringOverview>("GET", "/api/monitoring/overview", signal),
    deliberation: (id: string, signal?: AbortSignal) =>
      call<DeliberationDetail>("GET", `/api/monitoring/deliberations/${encodeURIComponent(id)}`, signal),
    testCases: (signal?: AbortSignal) =>
      call<{ readonly test_cases: readonly TestCase[] }>("GET", "/api/admin/test-cases", signal),
    execute: (testCase: string) =>
      call<TestCaseRun>("POST", `/api/admin/test-cases/execute?test_case=${encodeURIComponent(testCase)}`),
    messages: (signal: AbortSignal) => messages(options, signal),
  };
}

const RETRY_MS = 2_000;
const SILENCE_MS = 60_000;

/** Messages from now on and the last ones before; a connection that breaks goes on where it was. Ends with the signal. */
async function* messages(options: ApiOptions, signal: AbortSignal): AsyncGenerator<MessageNews> {
  let last: string | undefined;
  while (!signal.aborted) {
    const attempt = new AbortController();
    try {
      const { body } = await send(options, "GET", "/api/monitoring/events", {
        headers: {
          accept: "text/event-stream, application/problem+json",
          ...(last === undefined ? {} : { "last-event-id": last }),
        },
        signal: AbortSignal.any([signal, attempt.signal]),
      });
      if (!body) throw new ApiError(clientCodes.badAnswer, "the server sent no events");
      yield { kind: "open" };
      for await (const { event, id = "", data } of messagesOf(body, SILENCE_MS)) {
        if (event !== "message") continue;
        last = id;
        yield { kind: "message", message: { id: Number(id), ...(JSON.parse(data) as Omit<PassedMessage, "id">) } };
      }
    } catch (error) {
      if (signal.aborted) return;
      yield { kind: "lost", error: toApiError(error) };
    } finally {
      attempt.abort();
    }
    await pause(RETRY_MS, signal).catch(() => undefined);
  }
}
