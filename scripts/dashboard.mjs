/**
 * Writes examples/observability/grafana-dashboard.json: `npm run docs:dashboard`. What is on a panel is one line here; the
 * JSON that Grafana wants of it is the same for all.
 */
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "..");
const file = path.join(root, "examples", "observability", "grafana-dashboard.json");
// biome-ignore lint/suspicious/noTemplateCurlyInString: a variable of the dashboard
const datasource = { type: "prometheus", uid: "${datasource}" };
const WIDTH = 24;
const HEIGHT = 8;

const p = (quantile, metric, by) =>
  `histogram_quantile(${quantile}, sum by (le, ${by}) (rate(${metric}_bucket[$__rate_interval])))`;
const rate = (metric, by, selector = "") =>
  `sum ${by === "" ? "" : `by (${by}) `}(rate(${metric}${selector}[$__rate_interval]))`;
const FLOW = '{flow=~"$flow"}';
const TYPE = '{type=~"$type"}';

/** Title, unit, queries with legends, what it says; `stat`: one number. */
const rows = [
  {
    title: "Runs",
    panels: [
      ["Active runs", "short", [["sum(rayflow_runs_active)", ""]], "Begun and not ended, at rest or not.", "stat"],
      ["Runs at rest", "short", [["sum(rayflow_runs_resting)", ""]], "They wait, and take no memory.", "stat"],
      [
        "Failed, last hour",
        "short",
        [['sum(increase(rayflow_runs_finished_total{status="failed"}[1h]))', ""]],
        "Runs that failed.",
        "stat",
      ],
      [
        "Partitions without owner",
        "short",
        [["max(rayflow_partitions) - sum(rayflow_partitions_owned)", ""]],
        "0 is right: what nobody drives stands still.",
        "stat",
      ],
      ["Runs started", "ops", [[rate("rayflow_runs_started_total", "flow", FLOW), "{{flow}}"]], "By flow."],
      [
        "Runs ended",
        "ops",
        [[rate("rayflow_runs_finished_total", "flow, status", FLOW), "{{flow}} {{status}}"]],
        "By flow and how they ended.",
      ],
      [
        "Run duration",
        "s",
        [
          [p(0.5, "rayflow_run_duration_seconds", "flow"), "{{flow}} p50"],
          [p(0.95, "rayflow_run_duration_seconds", "flow"), "{{flow}} p95"],
        ],
        "From submission to end, waiting included.",
      ],
      [
        "Why runs fail",
        "ops",
        [[rate("rayflow_run_failures_total", "code"), "{{code}}"]],
        "By the code of the error that ended them.",
      ],
      ["Runs in memory", "short", [["sum by (state) (rayflow_runs_by_state)", "{{state}}"]], "By state."],
      [
        "Submissions refused",
        "ops",
        [[rate("rayflow_submissions_refused_total", "code"), "{{code}}"]],
        "Invalid flows, wrong inputs, unknown names.",
      ],
    ],
  },
  {
    title: "Steps",
    panels: [
      ["Steps", "ops", [[rate("rayflow_step_results_total", "type, status", TYPE), "{{type}} {{status}}"]], "By type."],
      [
        "Step latency",
        "s",
        [
          [p(0.5, `rayflow_step_latency_seconds`, "type"), "{{type}} p50"],
          [p(0.95, `rayflow_step_latency_seconds`, "type"), "{{type}} p95"],
        ],
        "Sent until the result was applied: queue, node code and the ways between.",
      ],
      ["Errors", "ops", [[rate("rayflow_step_errors_total", "type, code", TYPE), "{{type}} {{code}}"]], "By code."],
      [
        "Attempts and retries",
        "ops",
        [
          [rate("rayflow_steps_sent_total", "type", TYPE), "{{type}} sent"],
          [rate("rayflow_step_retries_total", "type", TYPE), "{{type}} retried"],
        ],
        "Attempts that were sent; of these, second and later ones.",
      ],
      [
        "Attempts in one dispatch message",
        "short",
        [
          [
            "sum(rate(rayflow_dispatch_batch_entries_sum[$__rate_interval])) / sum(rate(rayflow_dispatch_batch_entries_count[$__rate_interval]))",
            "mean",
          ],
        ],
        "Grows with the load, and with it the speed.",
      ],
    ],
  },
  {
    title: "Actors",
    panels: [
      [
        "Queue time",
        "s",
        [
          [p(0.5, "rayflow_actor_queue_seconds", "type"), "{{type}} p50"],
          [p(0.95, "rayflow_actor_queue_seconds", "type"), "{{type}} p95"],
        ],
        "In the queue until the code began. High: too few actors.",
      ],
      [
        "Processing time",
        "s",
        [
          [p(0.5, "rayflow_actor_processing_seconds", "type"), "{{type}} p50"],
          [p(0.95, "rayflow_actor_processing_seconds", "type"), "{{type}} p95"],
        ],
        "Of the node code itself.",
      ],
      ["Queued", "short", [["max by (type) (rayflow_queue_messages)", "{{type}}"]], "Dispatch messages by type."],
      [
        "Executions",
        "ops",
        [[rate("rayflow_actor_executions_total", "type, outcome", TYPE), "{{type}} {{outcome}}"]],
        "By outcome.",
      ],
      [
        "Slots",
        "short",
        [
          ["sum(rayflow_actor_in_flight)", "in use"],
          ["sum(rayflow_actor_slots)", "there are"],
          ["sum(rayflow_actor_unacknowledged_results)", "results on their way"],
        ],
        "Attempts that run, and that may.",
      ],
      [
        "Redelivered, refused, restarted",
        "ops",
        [
          [rate("rayflow_actor_redeliveries_total", "type", TYPE), "{{type}} redelivered"],
          [rate("rayflow_actor_refused_total", "reason"), "refused: {{reason}}"],
          [rate("rayflow_actor_restarts_total", "reason"), "restarted: {{reason}}"],
        ],
        "What should not happen.",
      ],
      ["Actor processes", "short", [["sum by (state) (rayflow_actor_processes)", "{{state}}"]], "Of managers."],
    ],
  },
  {
    title: "Log and partitions",
    panels: [
      ["Log lag", "short", [["max by (partition) (rayflow_log_lag_messages)", "{{partition}}"]], "Not yet folded."],
      ["Folded", "ops", [[rate("rayflow_log_messages_total", "partition"), "{{partition}}"]], "Messages of the log."],
      [
        "Checkpoint age",
        "s",
        [["max by (partition) (rayflow_checkpoint_age_seconds)", "{{partition}}"]],
        "What a recovery would repeat.",
      ],
      ["Partitions by orchestrator", "short", [["rayflow_partitions_owned", "{{instance}}"]], "Even is right."],
      [
        "Lease changes",
        "ops",
        [[rate("rayflow_lease_changes_total", "change"), "{{change}}"]],
        "Partitions on the move.",
      ],
      [
        "Publishes without an ack",
        "short",
        [["max by (partition) (rayflow_unacknowledged_publishes)", "{{partition}}"]],
        "Grows when NATS is slow.",
      ],
      [
        "Refused messages",
        "ops",
        [[rate("rayflow_messages_refused_total", "subject, reason"), "{{subject}} {{reason}}"]],
        "What made no sense.",
      ],
    ],
  },
  {
    title: "Models and deliberations",
    panels: [
      [
        "Model requests",
        "ops",
        [[rate("rayflow_model_requests_total", "endpoint, status"), "{{endpoint}} {{status}}"]],
        "By endpoint and status.",
      ],
      [
        "Model answer time",
        "s",
        [
          [p(0.5, "rayflow_model_request_seconds", "endpoint"), "{{endpoint}} p50"],
          [p(0.95, "rayflow_model_request_seconds", "endpoint"), "{{endpoint}} p95"],
          [p(0.95, "rayflow_model_wait_seconds", "endpoint"), "{{endpoint}} wait p95"],
        ],
        "Whole answers; and how long requests wait for their turn under the limits.",
      ],
      ["Tokens", "ops", [[rate("rayflow_model_tokens_total", "endpoint, kind"), "{{endpoint}} {{kind}}"]], "By kind."],
      [
        "Requests open",
        "short",
        [["sum by (endpoint) (rayflow_model_requests_in_flight)", "{{endpoint}}"]],
        "Requests to models that are under way.",
      ],
      [
        "Deliberations",
        "ops",
        [
          [rate("rayflow_deliberations_total", "state"), "{{state}}"],
          [rate("rayflow_deliberation_answers_total", "outcome"), "answers {{outcome}}"],
        ],
        "Councils, and the turns of their agents.",
      ],
      [
        "Deliberation time",
        "s",
        [[p(0.95, "rayflow_deliberation_seconds", "state"), "{{state}} p95"]],
        "From the opening of a council to its announcement.",
      ],
    ],
  },
  {
    title: "Gateway",
    panels: [
      ["Requests", "reqps", [[rate("rayflow_http_requests_total", "route, status"), "{{route}} {{status}}"]], ""],
      ["Answer time", "s", [[p(0.95, "rayflow_http_request_duration_seconds", "route"), "{{route}} p95"]], ""],
      ["Event streams", "short", [["sum(rayflow_http_streams_open)", "open"]], "Who follows a run."],
      ["Runs started here", "ops", [[rate("rayflow_http_runs_total", "outcome"), "{{outcome}}"]], "By how that went."],
    ],
  },
  {
    title: "Processes",
    panels: [
      [
        "Event loop delay",
        "s",
        [['max by (job, instance) (rayflow_event_loop_delay_seconds{stat="p99"})', "{{job}} {{instance}} p99"]],
        "Code that blocks, or too little CPU.",
      ],
      [
        "CPU",
        "percentunit",
        [
          [
            "sum by (job, instance) (rate(rayflow_process_cpu_seconds_total[$__rate_interval]))",
            "{{job}} {{instance}}",
          ],
        ],
        "Of one core.",
      ],
      [
        "Memory",
        "bytes",
        [
          ["rayflow_process_resident_memory_bytes", "{{job}} {{instance}}"],
          ['rayflow_process_heap_bytes{state="used"}', "{{job}} {{instance}} heap"],
        ],
        "",
      ],
      [
        "NATS messages",
        "ops",
        [[rate("rayflow_nats_messages_total", "job, direction"), "{{job}} {{direction}}"]],
        "Acks and requests among them.",
      ],
      ["NATS bytes", "Bps", [[rate("rayflow_nats_bytes_total", "job, direction"), "{{job}} {{direction}}"]], ""],
      [
        "Connection to NATS",
        "short",
        [
          ["min by (job, instance) (rayflow_nats_connected)", "{{job}} {{instance}}"],
          ["sum(increase(rayflow_nats_disconnects_total[$__rate_interval]))", "breaks"],
          ["sum(increase(rayflow_nats_reconnects_total[$__rate_interval]))", "came back"],
        ],
        "1 is connected.",
      ],
      [
        "Up for",
        "s",
        [["time() - rayflow_process_start_time_seconds", "{{job}} {{instance}}"]],
        "Since the process started.",
      ],
      [
        "Versions",
        "short",
        [["count by (service, version, node) (rayflow_build_info)", "{{service}} {{version}} {{node}}"]],
        "",
      ],
    ],
  },
];

function dashboard() {
  let id = 0;
  let y = 0;
  const panels = [];
  for (const row of rows) {
    panels.push({
      id: ++id,
      type: "row",
      title: row.title,
      collapsed: false,
      gridPos: { x: 0, y: y++, w: WIDTH, h: 1 },
      panels: [],
    });
    let x = 0;
    let height = 0;
    for (const [title, unit, queries, description, kind = "timeseries"] of row.panels) {
      const w = kind === "stat" ? WIDTH / 4 : WIDTH / 2;
      const h = kind === "stat" ? HEIGHT / 2 : HEIGHT;
      if (x + w > WIDTH) {
        x = 0;
        y += height;
      }
      height = h;
      panels.push({
        id: ++id,
        type: kind,
        title,
        ...(description === "" ? {} : { description }),
        datasource,
        gridPos: { x, y, w, h },
        fieldConfig: { defaults: { unit, min: 0 }, overrides: [] },
        options:
          kind === "stat"
            ? { reduceOptions: { calcs: ["lastNotNull"] } }
            : { legend: { displayMode: "list" }, tooltip: { mode: "multi" } },
        targets: queries.map(([expr, legend], at) => ({
          refId: String.fromCharCode(65 + at),
          datasource,
          expr,
          legendFormat: legend === "" ? "__auto" : legend,
        })),
      });
      x += w;
    }
    y += height;
  }
  const label = (name, metric) => ({
    name,
    label: name,
    type: "query",
    datasource,
    query: { query: `label_values(${metric}, ${name})`, refId: name },
    definition: `label_values(${metric}, ${name})`,
    refresh: 2,
    multi: true,
    includeAll: true,
    allValue: ".*",
    current: { text: ["All"], value: ["$__all"] },
  });
  return {
    uid: "rayflow",
    title: "RayFlow",
    tags: ["rayflow"],
    schemaVersion: 39,
    version: 1,
    editable: true,
    refresh: "10s",
    time: { from: "now-30m", to: "now" },
    timezone: "browser",
    templating: {
      list: [
        { name: "datasource", label: "Data source", type: "datasource", query: "prometheus", refresh: 1, current: {} },
        label("flow", "rayflow_runs_started_total"),
        label("type", "rayflow_steps_sent_total"),
      ],
    },
    annotations: { list: [] },
    panels,
  };
}

const json = `${JSON.stringify(dashboard(), null, 2)}\n`;
if (process.argv.includes("--print")) process.stdout.write(json);
else {
  fs.writeFileSync(file, json);
  execFileSync(path.join(root, "node_modules", ".bin", "biome"), ["format", "--write", file], { cwd: root });
}
