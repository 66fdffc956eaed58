/**
 * Every metric that RayFlow has: its name, kind, unit, labels and meaning. What is not in this table cannot be counted;
 * the dashboard, the alert rules and the docs are checked against it. Pure. It is long because it is the whole list.
 */

/** Upper bounds of buckets, seconds. */
const QUICK = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300];
const LONG = [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600, 21_600, 86_400];
const COUNTS = [1, 2, 4, 8, 16, 32];

/** Which processes have it; `process`: all of them. */
export type MetricOwner = "process" | "orchestrator" | "actor" | "manager" | "gateway";

export interface MetricRow {
  readonly kind: "counter" | "gauge" | "histogram";
  /** As OpenTelemetry writes it: `s`, `By`, or what is counted in braces. */
  readonly unit: string;
  readonly labels: readonly string[];
  readonly help: string;
  readonly owner: MetricOwner;
  /** Of a histogram. */
  readonly bounds?: readonly number[];
}

/** Most values of a label that are told apart; what comes after counts as `other`. Labels that are not here are closed sets. */
export const LABEL_LIMITS: Readonly<Record<string, number>> = {
  flow: 200,
  type: 500,
  code: 100,
  route: 200,
  endpoint: 50,
};

export const METRICS = {
  // ------------------------------------------------------------------ every process
  rayflow_build_info: {
    kind: "gauge",
    unit: "",
    labels: ["service", "version", "node"],
    help: "Always 1; the labels say what runs here.",
    owner: "process",
  },
  rayflow_process_start_time_seconds: {
    kind: "gauge",
    unit: "s",
    labels: [],
    help: "When the process started, seconds since 1970.",
    owner: "process",
  },
  rayflow_process_cpu_seconds_total: {
    kind: "counter",
    unit: "s",
    labels: ["mode"],
    help: "CPU time of the process, by mode (user, system).",
    owner: "process",
  },
  rayflow_process_resident_memory_bytes: {
    kind: "gauge",
    unit: "By",
    labels: [],
    help: "Memory that the process holds.",
    owner: "process",
  },
  rayflow_process_heap_bytes: {
    kind: "gauge",
    unit: "By",
    labels: ["state"],
    help: "JavaScript heap: what is used of it, its size now (total), the most that it may become (limit).",
    owner: "process",
  },
  rayflow_event_loop_delay_seconds: {
    kind: "gauge",
    unit: "s",
    labels: ["stat"],
    help: "How late the event loop turns (mean, p99, max), since these were read last.",
    owner: "process",
  },
  rayflow_nats_connected: {
    kind: "gauge",
    unit: "",
    labels: [],
    help: "1 while the process is connected to NATS.",
    owner: "process",
  },
  rayflow_nats_reconnects_total: {
    kind: "counter",
    unit: "{reconnect}",
    labels: [],
    help: "Times that the connection to NATS came back.",
    owner: "process",
  },
  rayflow_nats_disconnects_total: {
    kind: "counter",
    unit: "{disconnect}",
    labels: [],
    help: "Times that the connection to NATS broke.",
    owner: "process",
  },
  rayflow_nats_messages_total: {
    kind: "counter",
    unit: "{message}",
    labels: ["direction"],
    help: "Messages that the process received (in) and sent (out), acks and requests among them.",
    owner: "process",
  },
  rayflow_nats_bytes_total: {
    kind: "counter",
    unit: "By",
    labels: ["direction"],
    help: "Bytes of those messages.",
    owner: "process",
  },

  // ------------------------------------------------------------------- orchestrator
  rayflow_runs_started_total: {
    kind: "counter",
    unit: "{run}",
    labels: ["flow"],
    help: "Runs that began.",
    owner: "orchestrator",
  },
  rayflow_runs_finished_total: {
    kind: "counter",
    unit: "{run}",
    labels: ["flow", "status"],
    help: "Runs that ended, by how (succeeded, failed, cancelled).",
    owner: "orchestrator",
  },
  rayflow_run_duration_seconds: {
    kind: "histogram",
    unit: "s",
    labels: ["flow"],
    help: "From a run's submission to its end, waiting included.",
    owner: "orchestrator",
    bounds: LONG,
  },
  rayflow_run_failures_total: {
    kind: "counter",
    unit: "{run}",
    labels: ["code"],
    help: "Runs that ended with an error, by its code.",
    owner: "orchestrator",
  },
  rayflow_runs_active: {
    kind: "gauge",
    unit: "{run}",
    labels: ["partition"],
    help: "Runs that have not ended, in memory and at rest.",
    owner: "orchestrator",
  },
  rayflow_runs_resting: {
    kind: "gauge",
    unit: "{run}",
    labels: ["partition"],
    help: "Of these, the runs at rest: they wait and take no memory.",
    owner: "orchestrator",
  },
  rayflow_runs_by_state: {
    kind: "gauge",
    unit: "{run}",
    labels: ["state"],
    help: "Runs in memory by the state of their machine.",
    owner: "orchestrator",
  },
  rayflow_steps_sent_total: {
    kind: "counter",
    unit: "{attempt}",
    labels: ["type"],
    help: "Attempts that were sent to actors, evaluations of pure nodes among them.",
    owner: "orchestrator",
  },
  rayflow_step_retries_total: {
    kind: "counter",
    unit: "{attempt}",
    labels: ["type"],
    help: "Of these, second and later attempts.",
    owner: "orchestrator",
  },
  rayflow_step_results_total: {
    kind: "counter",
    unit: "{result}",
    labels: ["type", "status"],
    help: "Results that were applied, by status (ok, error).",
    owner: "orchestrator",
  },
  rayflow_step_errors_total: {
    kind: "counter",
    unit: "{result}",
    labels: ["type", "code"],
    help: "Results that were errors, by code: ActorLost, NodeTimeout, those of node code.",
    owner: "orchestrator",
  },
  rayflow_step_latency_seconds: {
    kind: "histogram",
    unit: "s",
    labels: ["type"],
    help: "From the moment that an attempt was sent to the moment that its result was applied.",
    owner: "orchestrator",
    bounds: QUICK,
  },
  rayflow_dispatch_batch_entries: {
    kind: "histogram",
    unit: "{attempt}",
    labels: [],
    help: "Attempts that shared one dispatch message.",
    owner: "orchestrator",
    bounds: COUNTS,
  },
  rayflow_queue_messages: {
    kind: "gauge",
    unit: "{message}",
    labels: ["type"],
    help: "Dispatch messages that are queued for a node type or in an actor's hands.",
    owner: "orchestrator",
  },
  rayflow_partitions: {
    kind: "gauge",
    unit: "{partition}",
    labels: [],
    help: "Partitions that the log has.",
    owner: "orchestrator",
  },
  rayflow_partitions_owned: {
    kind: "gauge",
    unit: "{partition}",
    labels: [],
    help: "Partitions that this orchestrator drives.",
    owner: "orchestrator",
  },
  rayflow_lease_changes_total: {
    kind: "counter",
    unit: "{change}",
    labels: ["change"],
    help: "Partitions that this orchestrator acquired, lost or gave back (released), and takes that failed.",
    owner: "orchestrator",
  },
  rayflow_log_lag_messages: {
    kind: "gauge",
    unit: "{message}",
    labels: ["partition"],
    help: "Messages of the log that its orchestrator has not folded yet.",
    owner: "orchestrator",
  },
  rayflow_log_messages_total: {
    kind: "counter",
    unit: "{message}",
    labels: ["partition"],
    help: "Messages of the log that were folded.",
    owner: "orchestrator",
  },
  rayflow_checkpoint_age_seconds: {
    kind: "gauge",
    unit: "s",
    labels: ["partition"],
    help: "How long ago the checkpoint was known to say all that there is to say.",
    owner: "orchestrator",
  },
  rayflow_unacknowledged_publishes: {
    kind: "gauge",
    unit: "{message}",
    labels: ["partition"],
    help: "What was sent and has no acknowledgement of its stream yet.",
    owner: "orchestrator",
  },
  rayflow_submissions_refused_total: {
    kind: "counter",
    unit: "{submission}",
    labels: ["code"],
    help: "Submissions that became no run, by the code that their publisher was told.",
    owner: "orchestrator",
  },
  rayflow_messages_refused_total: {
    kind: "counter",
    unit: "{message}",
    labels: ["subject", "reason"],
    help: "Messages that made no sense, by the first two tokens of their subject and why (json, encoding, unsafe, schema, reading).",
    owner: "orchestrator",
  },

  // -------------------------------------------------------------------------- actor
  rayflow_actor_executions_total: {
    kind: "counter",
    unit: "{attempt}",
    labels: ["type", "outcome"],
    help: "Attempts that ended here, by outcome (ok, cached, error, timeout, cancelled, lost).",
    owner: "actor",
  },
  rayflow_actor_queue_seconds: {
    kind: "histogram",
    unit: "s",
    labels: ["type"],
    help: "From the moment that the queue had an attempt to the moment that its code began, redeliveries included.",
    owner: "actor",
    bounds: QUICK,
  },
  rayflow_actor_processing_seconds: {
    kind: "histogram",
    unit: "s",
    labels: ["type"],
    help: "How long node code took.",
    owner: "actor",
    bounds: QUICK,
  },
  rayflow_actor_redeliveries_total: {
    kind: "counter",
    unit: "{message}",
    labels: ["type"],
    help: "Dispatch messages that came for the second time or more: an actor died, stopped or was too slow to say that it lives.",
    owner: "actor",
  },
  rayflow_actor_refused_total: {
    kind: "counter",
    unit: "{message}",
    labels: ["reason"],
    help: "Dispatch messages that were not run: they made no sense (malformed), or their type is not served here.",
    owner: "actor",
  },
  rayflow_actor_in_flight: {
    kind: "gauge",
    unit: "{attempt}",
    labels: [],
    help: "Attempts that run now.",
    owner: "actor",
  },
  rayflow_actor_slots: {
    kind: "gauge",
    unit: "{attempt}",
    labels: [],
    help: "Attempts that may run at once.",
    owner: "actor",
  },
  rayflow_actor_unacknowledged_results: {
    kind: "gauge",
    unit: "{result}",
    labels: [],
    help: "Results that are not known to be in the log.",
    owner: "actor",
  },

  // ------------------------------------------------------- models and deliberations
  rayflow_model_requests_total: {
    kind: "counter",
    unit: "{request}",
    labels: ["endpoint", "status"],
    help: "Requests to models that ended, by status: ok, the HTTP status, unreachable (no answer), cancelled.",
    owner: "actor",
  },
  rayflow_model_request_seconds: {
    kind: "histogram",
    unit: "s",
    labels: ["endpoint"],
    help: "How long a request to a model took, its whole answer included.",
    owner: "actor",
    bounds: QUICK,
  },
  rayflow_model_wait_seconds: {
    kind: "histogram",
    unit: "s",
    labels: ["endpoint"],
    help: "How long a request waited for its turn under the limits of its tenant and its endpoint.",
    owner: "actor",
    bounds: QUICK,
  },
  rayflow_model_requests_in_flight: {
    kind: "gauge",
    unit: "{request}",
    labels: ["endpoint"],
    help: "Requests to models that are open now.",
    owner: "actor",
  },
  rayflow_model_tokens_total: {
    kind: "counter",
    unit: "{token}",
    labels: ["endpoint", "kind"],
    help: "Tokens by kind (prompt, completion), as the endpoint counted them.",
    owner: "actor",
  },
  rayflow_deliberations_total: {
    kind: "counter",
    unit: "{deliberation}",
    labels: ["state"],
    help: "Deliberations that came to a state here (started, completed, failed); one that is cancelled only starts.",
    owner: "actor",
  },
  rayflow_deliberation_seconds: {
    kind: "histogram",
    unit: "s",
    labels: ["state"],
    help: "From the opening of a council to its announcement, by how it ended (completed, failed).",
    owner: "actor",
    bounds: LONG,
  },
  rayflow_deliberation_answers_total: {
    kind: "counter",
    unit: "{answer}",
    labels: ["outcome"],
    help: "Agents' turns that ended here: with an answer (completed) or without one (failed).",
    owner: "actor",
  },

  // ----------------------------------------------------------- a manager of processes
  rayflow_actor_processes: {
    kind: "gauge",
    unit: "{process}",
    labels: ["state"],
    help: "Actor processes that this one keeps running, by state (ready, starting).",
    owner: "manager",
  },
  rayflow_actor_restarts_total: {
    kind: "counter",
    unit: "{process}",
    labels: ["reason"],
    help: "Actor processes that were started again, because they ended (exited) or stood still (stuck).",
    owner: "manager",
  },

  // ------------------------------------------------------------------------ gateway
  rayflow_http_requests_total: {
    kind: "counter",
    unit: "{request}",
    labels: ["method", "route", "status"],
    help: "Requests that were answered.",
    owner: "gateway",
  },
  rayflow_http_request_duration_seconds: {
    kind: "histogram",
    unit: "s",
    labels: ["method", "route"],
    help: "How long an answer took; a stream until it began.",
    owner: "gateway",
    bounds: QUICK,
  },
  rayflow_http_streams_open: {
    kind: "gauge",
    unit: "{stream}",
    labels: [],
    help: "Event streams that are open.",
    owner: "gateway",
  },
  rayflow_http_runs_total: {
    kind: "counter",
    unit: "{run}",
    labels: ["outcome"],
    help: "Runs started through the gateway, by how that went (accepted, succeeded, failed, cancelled, refused).",
    owner: "gateway",
  },
} as const satisfies Record<string, MetricRow>;

export type MetricName = keyof typeof METRICS;
type NamesOf<Kind extends MetricRow["kind"]> = {
  [Name in MetricName]: (typeof METRICS)[Name]["kind"] extends Kind ? Name : never;
}[MetricName];
export type CounterName = NamesOf<"counter">;
export type GaugeName = NamesOf<"gauge">;
export type HistogramName = NamesOf<"histogram">;

type Texts<Labels extends readonly string[]> = { readonly [At in keyof Labels]: string };
/** One text for each label of a metric, in the table's order. */
export type LabelsOf<Name extends MetricName> = Texts<(typeof METRICS)[Name]["labels"]>;
