/** What PromQL expressions speak of, for the tests of the dashboard and the alert rules. */
import { parser } from "@prometheus-io/lezer-promql";

export interface Mention {
  /** As in the text: of a histogram `…_bucket`, `…_sum` or `…_count`. */
  readonly metric: string;
  /** Labels that its braces or a function around it name. */
  readonly labels: readonly string[];
  /** label="value" pairs of its braces. */
  readonly values: readonly (readonly [string, string])[];
}

/** Names that Grafana fills in before Prometheus sees the expression. */
function withoutVariables(expression: string): string {
  return expression.replaceAll("$__rate_interval", "5m").replaceAll(/\$(\w+)/g, "x");
}

/** Labels that a scrape adds, and `le` of a histogram's buckets. */
export const SCRAPE_LABELS = ["job", "instance", "le"];

/**
 * The metrics of an expression with the labels that are asked of each: those in its braces, and those of every `by`, `on`
 * and `without` in the expression (each metric of an expression is aggregated alike in what we write).
 * @throws SyntaxError when it is no PromQL
 */
export function mentionsIn(expression: string): Mention[] {
  const text = withoutVariables(expression);
  const tree = parser.parse(text);
  const grouped: string[] = [];
  const found: { metric: string; labels: string[]; values: [string, string][]; end: number }[] = [];
  tree.iterate({
    enter: (node) => {
      if (node.type.isError) throw new SyntaxError(`no PromQL at ${node.from}: ${text}`);
      const own = text.slice(node.from, node.to);
      if (node.name === "LabelName" && node.matchContext(["GroupingLabels"])) grouped.push(own);
      if (node.name === "VectorSelector") {
        const metric = node.node.getChild("Identifier");
        found.push({
          metric: metric ? text.slice(metric.from, metric.to) : "",
          labels: [],
          values: [],
          end: node.to,
        });
      }
      if (node.name === "UnquotedLabelMatcher") {
        const label = node.node.getChild("LabelName");
        const value = node.node.getChild("StringLiteral");
        const last = found.at(-1);
        if (!label || !last || node.from > last.end) throw new SyntaxError(`a matcher without a metric: ${text}`);
        const name = text.slice(label.from, label.to);
        last.labels.push(name);
        if (value) last.values.push([name, text.slice(value.from + 1, value.to - 1)]);
      }
    },
  });
  if (found.length === 0 && !/^time\(\)/.test(text)) throw new SyntaxError(`it asks for no metric: ${text}`);
  return found.map(({ metric, labels, values }) => ({ metric, labels: [...labels, ...grouped], values }));
}
