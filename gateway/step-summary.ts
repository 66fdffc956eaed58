/** One event of a run's log in a line for people. */
import type { LogEntry, Run } from "../orchestrator/index.ts";
import type { RunStep } from "./run-views.ts";

const MAX_RESULTS_NAMED = 3;
const MAX_VALUE_LENGTH = 80;

/** `before`: the run as it stood when the event came. */
export function stepSummary(entry: LogEntry, before: Run | undefined): Pick<RunStep, "kind" | "summary"> {
  if (entry.kind === "result") {
    const lines = entry.message.results.map(({ id, status, error, duration_ms }) => {
      const why = error ? `${error.code}: ${error.message}` : "no reason given";
      return `${nameOf(id)} ${status === "ok" ? `ok (${duration_ms.toFixed(1)} ms)` : `failed: ${why}`}`;
    });
    const more = lines.length - MAX_RESULTS_NAMED;
    const summary = lines.slice(0, MAX_RESULTS_NAMED).join("; ") + (more > 0 ? `; and ${more} more` : "");
    return { kind: "result", summary };
  }
  const { message } = entry;
  const { kind } = message;
  switch (kind) {
    case "submitted":
      return { kind, summary: `flow ${message.flow.name}, inputs ${short(message.inputs)}` };
    case "undeliverable":
      return { kind, summary: `${nameOf(message.id)} could not be sent: ${message.error.message}` };
    case "timer":
      return { kind, summary: timerSummary(message.id, before) };
    case "signal":
      return { kind, summary: `${message.signal} ${short(message.payload)}` };
    case "child":
      return { kind, summary: `${message.result.run_id} ${message.result.status}, for ${nameOf(message.execution)}` };
    case "control": {
      const named =
        message.node ?? (message.action === "breakpoints" ? message.nodes?.join(", ") || "none" : undefined);
      const node = named === undefined ? "" : ` ${named}`;
      return { kind, summary: `${message.action}${node}${message.reason ? `: ${message.reason}` : ""}` };
    }
    case "finished": {
      const { result } = message;
      const how = result.error
        ? `${result.error.code}: ${result.error.message}`
        : `${result.return} (${result.status_code})`;
      return { kind, summary: `${result.status}: ${how}` };
    }
  }
}

function timerSummary(id: string, before: Run | undefined): string {
  const timer = before?.details.timers.get(id);
  if (!timer || !before) return `${id}, which nothing waits for any more`;
  if (id === "cancel") return "what was cancelled has had its time to stop";
  const where = timer.scope === "" ? timer.node : `${timer.node} @ ${timer.scope}`;
  if (timer.purpose === "deadline") return `deadline of ${where}`;
  const state = before.details.scopes.get(timer.scope)?.activations.get(timer.node)?.state;
  return state === "backing_off" ? `next attempt of ${where}` : `${where} has waited long enough`;
}

const EXECUTION = /^[^:]*:([^@]+)@([^#>~]*)(?:~\d+)?(?:>([^#]+))?#(\d+)$/;

/** What an execution id says, for people: `mul @ each[3] (attempt 2)`. */
function nameOf(id: string): string {
  const [, node = id, scope = "", pure, attempt = "1"] = EXECUTION.exec(id) ?? [];
  const where = scope === "" ? "" : ` @ ${scope}`;
  const again = attempt === "1" ? "" : ` (attempt ${attempt})`;
  return pure === undefined ? `${node}${where}${again}` : `${pure} for ${node}${where}${again}`;
}

function short(value: unknown): string {
  const text = JSON.stringify(value) ?? "";
  return text.length <= MAX_VALUE_LENGTH ? text : `${text.slice(0, MAX_VALUE_LENGTH)}…`;
}
