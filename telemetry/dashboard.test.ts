/** The dashboard and the alert rules speak of metrics and labels that there are, in PromQL that can be read. */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { METRICS, type MetricName, type MetricRow } from "./metrics-table.ts";
import { type Mention, mentionsIn, SCRAPE_LABELS } from "./testing-promql.ts";

const read = (name: string) => readFileSync(new URL(`../examples/observability/${name}`, import.meta.url), "utf8");

interface Panel {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly targets?: readonly { readonly expr: string; readonly legendFormat: string }[];
}
const dashboard = JSON.parse(read("grafana-dashboard.json")) as {
  readonly panels: readonly Panel[];
  readonly templating: { readonly list: readonly { readonly name: string; readonly definition?: string }[] };
};
interface Rule {
  readonly alert: string;
  readonly expr: string;
  readonly labels: { readonly severity: string };
  readonly annotations: { readonly summary: string };
}
const rules = (parse(read("prometheus-rules.yaml")) as { groups: { rules: Rule[] }[] }).groups.flatMap(
  (group) => group.rules,
);

/** The metric's name in the table, and what a name may end with beyond it. */
function rowOf(metric: string): { name: MetricName; row: MetricRow } | undefined {
  const base = metric.replace(/_(bucket|sum|count)$/, "");
  for (const name of [metric, base]) {
    const row: MetricRow | undefined = METRICS[name as MetricName];
    if (row && (row.kind === "histogram") === (name !== metric)) return { name: name as MetricName, row };
  }
  return undefined;
}

/** Why a mention is wrong; undefined when it is right. */
function problemOf({ metric, labels, values }: Mention): string | undefined {
  const found = rowOf(metric);
  if (!found) return `there is no metric ${metric}`;
  for (const label of labels) {
    if (!found.row.labels.includes(label) && !SCRAPE_LABELS.includes(label)) return `${metric} has no label ${label}`;
  }
  for (const [label, value] of values) {
    if (label === "le" || value === "x" || /[.~|]/.test(value)) continue;
    if (!`${found.row.help} ActorLost`.includes(value)) return `${metric} says nothing of ${label}="${value}"`;
  }
  return undefined;
}

const queries = dashboard.panels.flatMap(({ title, targets = [] }) => targets.map((target) => ({ title, ...target })));
const expressions = [
  ...queries.map(({ title, expr }) => ({ where: title, expr })),
  ...rules.map(({ alert, expr }) => ({ where: alert, expr })),
];

describe("the check itself", () => {
  it("sees a metric, a label and a value that are not there, and what is no PromQL", () => {
    const problems = (expr: string) => mentionsIn(expr).map(problemOf);
    expect(problems("sum by (flow) (rate(rayflow_runs_started_total[5m]))")).toEqual([undefined]);
    expect(problems("rayflow_runs_begun_total")).toEqual(["there is no metric rayflow_runs_begun_total"]);
    expect(problems("sum by (type) (rayflow_runs_active)")).toEqual(["rayflow_runs_active has no label type"]);
    expect(problems('rayflow_runs_finished_total{stat="failed"}')[0]).toMatch(/no label stat/);
    expect(problems('rayflow_runs_finished_total{status="broken"}')[0]).toMatch(/says nothing of status="broken"/);
    expect(problems("rayflow_step_latency_seconds")[0]).toMatch(/no metric/);
    expect(problems("rayflow_runs_active_bucket")[0]).toMatch(/no metric/);
    expect(problems("rayflow_runs_active / on (job) rayflow_steps_lost")[1]).toMatch(/no metric/);
    expect(() => mentionsIn("sum by (rate(")).toThrow(SyntaxError);
  });
});

describe("the dashboard and the alert rules", () => {
  it.each(expressions)("$where: $expr", ({ expr }) => {
    expect(mentionsIn(expr).map(problemOf)).toEqual(mentionsIn(expr).map(() => undefined));
  });

  it("name in legends and texts only labels that the expression leaves", () => {
    const texts = [
      ...queries.map(({ expr, legendFormat }) => ({ expr, text: legendFormat })),
      ...rules.map(({ expr, annotations }) => ({ expr, text: annotations.summary.replaceAll("$labels.", "") })),
    ];
    for (const { expr, text } of texts) {
      const used = [...text.matchAll(/\{\{\s*(\w+)\s*\}\}/g)].map(([, label]) => label);
      const known = mentionsIn(expr).flatMap(({ metric, labels }) => [
        ...labels,
        ...SCRAPE_LABELS,
        ...(expr.includes(" by ") ? [] : (rowOf(metric)?.row.labels ?? [])),
      ]);
      expect(known, `${text} of ${expr}`).toEqual(expect.arrayContaining(used));
    }
  });

  it("the dashboard shows every metric of the table", () => {
    const shown = new Set(queries.flatMap(({ expr }) => mentionsIn(expr).map(({ metric }) => rowOf(metric)?.name)));
    expect(Object.keys(METRICS).filter((name) => !shown.has(name as MetricName))).toEqual([]);
  });

  it("ids and names are unique, and every alert says how bad it is", () => {
    const ids = dashboard.panels.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    expect(new Set(rules.map(({ alert }) => alert)).size).toBe(rules.length);
    for (const { labels } of rules) expect(["critical", "warning", "info"]).toContain(labels.severity);
    for (const { definition } of dashboard.templating.list) {
      const [, metric = "", label = ""] = /^label_values\((\w+), (\w+)\)$/.exec(definition ?? "") ?? [];
      if (definition) expect(rowOf(metric)?.row.labels).toContain(label);
    }
  });

  it("the file is what its source writes", () => {
    const before = read("grafana-dashboard.json");
    const printed = execFileSync(process.execPath, ["scripts/dashboard.mjs", "--print"], {
      cwd: new URL("..", import.meta.url),
      encoding: "utf8",
    });
    expect(JSON.parse(printed)).toEqual(JSON.parse(before));
  });
});

describe("the docs", () => {
  it("describe every alert and every metric", () => {
    const docs = (name: string) => readFileSync(new URL(`../docs/${name}`, import.meta.url), "utf8");
    for (const { alert } of rules) expect(docs("observability.md")).toContain(`\`${alert}\``);
    for (const name of Object.keys(METRICS)) expect(docs("metrics.md")).toContain(`\`${name}\``);
  });
});
