/** One entry of a run's log in a line for people. */
import type { Run } from "../../../orchestrator/run/index.ts";
import type { LogEntry } from "../api/answers.ts";
import type { Frame } from "./frame.ts";

const MAX_NAMED = 2;
const EXECUTION = /^[^:]*:([^@]+)@([^#>~]*)(?:~\d+)?(?:>([^#]+))?#(\d+)$/;

/** `before`: the run as it stood when the entry came. */
export function summaryOf(entry: LogEntry, run: string, before: Run | undefined): Pick<Frame, "kind" | "summary"> {
  if (entry.kind === "result") {
    const own = entry.message.results.filter((result) => result.run === run);
    const named = own.slice(0, MAX_NAMED).map(({ id, status, error }) => {
      return status === "ok" ? `${placeOf(id)} answered` : `${placeOf(id)} failed: ${error?.code ?? "no reason given"}`;
    });
    const more = own.length - named.length;
    return { kind: "result", summary: named.join(", ") + (more > 0 ? ` and ${more} more` : "") };
  }
  const { message } = entry;
  const { kind } = message;
  switch (kind) {
    case "submitted":
      return { kind, summary: `${message.flow.name} submitted` };
    case "undeliverable":
      return { kind, summary: `${placeOf(message.id)} could not be sent: ${message.error.code}` };
    case "timer":
      return { kind, summary: timerOf(message.id, before) };
    case "signal":
      return { kind, summary: `signal ${message.signal}` };
    case "child":
      return { kind, summary: `child run of ${placeOf(message.execution)} ${message.result.status}` };
    case "control": {
      const subject = message.node ?? (message.nodes ? `(${message.nodes.length})` : "");
      return { kind, summary: `${message.action} ${subject}`.trim() };
    }
    case "finished":
      return { kind, summary: `run ${message.result.status}` };
  }
}

function timerOf(id: string, before: Run | undefined): string {
  const timer = before?.details.timers.get(id);
  if (!timer || !before) return "a timer that nothing waits for any more";
  if (id === "cancel") return "time to stop is over";
  const place = withScope(timer.node, timer.scope);
  if (timer.purpose === "deadline") return `deadline of ${place}`;
  const state = before.details.scopes.get(timer.scope)?.activations.get(timer.node)?.state;
  return state === "backing_off" ? `next attempt of ${place}` : `${place} has waited long enough`;
}

/** What an execution id says, for people: `mul in each[3], attempt 2`. */
function placeOf(id: string): string {
  const [, node = id, scope = "", pure, attempt = "1"] = EXECUTION.exec(id) ?? [];
  const place = withScope(pure ?? node, scope);
  return attempt === "1" ? place : `${place}, attempt ${attempt}`;
}

function withScope(node: string, scope: string): string {
  return scope === "" ? node : `${node} in ${scope}`;
}
