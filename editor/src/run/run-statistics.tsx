/** What a run took, node by node. */
import type { RunResult } from "../api/answers.ts";
import { useNodeViews } from "../stores/shown-flow.ts";
import { formatSeconds } from "./run-text.ts";

/** More rows than these say little. */
const MOST = 50;

interface RunStatisticsProps {
  readonly statistics: RunResult["statistics"];
  readonly onChoose: (node: string) => void;
}

export function RunStatistics({ statistics, onChoose }: RunStatisticsProps) {
  const views = useNodeViews();
  const times = Object.entries(statistics.node_times).sort(([, a], [, b]) => b - a);
  const longest = Math.max(times[0]?.[1] ?? 0, Number.MIN_VALUE);
  return (
    <fieldset aria-label="Statistics" className="run-statistics">
      <dl className="run-numbers">
        <Count label="Total time" value={formatSeconds(statistics.total_time)} />
        <Count label="Executed" value={statistics.nodes_executed} />
        <Count label="Failed" value={statistics.nodes_failed} />
        <Count label="Skipped" value={statistics.nodes_skipped} />
      </dl>
      <table className="run-table">
        <caption>Node times</caption>
        <thead>
          <tr>
            <th>Node</th>
            <th className="run-number">Time</th>
            <th aria-label="Share" />
          </tr>
        </thead>
        <tbody>
          {times.slice(0, MOST).map(([node, seconds]) => (
            <tr key={node}>
              <td>
                <button type="button" className="run-link" onClick={() => onChoose(node)}>
                  {views.get(node)?.title ?? node}
                </button>{" "}
                <span className="run-dim">{node}</span>
              </td>
              <td className="run-number">{formatSeconds(seconds)}</td>
              <td className="run-share">
                <span style={{ width: `${(100 * seconds) / longest}%` }} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {times.length > MOST ? <p className="run-dim">and {times.length - MOST} shorter ones</p> : null}
    </fieldset>
  );
}

function Count({ label, value }: { readonly label: string; readonly value: string | number }) {
  return (
    <div>
      <dt>{label}</dt>
      <dd>{value}</dd>
    </div>
  );
}
