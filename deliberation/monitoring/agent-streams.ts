/** What each agent of a deliberation has said so far, put together from tokens and answers. Pure. */
import type { AgentStream } from "../../gateway/index.ts";
import type { AgentResultEvent, DeliberationResult, StreamingEvent } from "../messages.ts";

export class AgentStreams {
  /** By agent and round. */
  readonly #streams = new Map<string, AgentStream>();

  /** A later attempt begins anew; what belongs to an earlier one is left out. */
  token({ agent_id, round, attempt, seq, event_type, token = "", error }: StreamingEvent): void {
    const key = `${agent_id} ${round}`;
    const known = this.#streams.get(key);
    if (known !== undefined && (known.attempt > attempt || known.state === "completed")) return;
    const same = known?.attempt === attempt ? known : undefined;
    const base = same ?? { agent_id, round, attempt, text: "", seq: -1, score: null, error: null };
    const failed = event_type === "vllm.stream.failed";
    this.#streams.set(key, {
      ...base,
      state: failed ? "failed" : "streaming",
      text: event_type === "vllm.stream.token" ? base.text + token : base.text,
      seq: Math.max(base.seq, seq),
      error: failed && error !== undefined ? `${error.code}: ${error.message}` : null,
    });
  }

  /** The answer itself goes before what was streamed of it. */
  answer(event: AgentResultEvent): void {
    const { agent_id, round } = event;
    const key = `${agent_id} ${round}`;
    const known = this.#streams.get(key);
    const base = { agent_id, round, attempt: known?.attempt ?? 1, seq: known?.seq ?? -1, score: null };
    if (event.status === "completed") {
      this.#streams.set(key, { ...base, state: "completed", text: event.answer.proposal, error: null });
      return;
    }
    // A try that failed, told late: the answer has come since.
    if (known?.state === "completed") return;
    const { code, message } = event.error;
    this.#streams.set(key, { ...base, state: "failed", text: known?.text ?? "", error: `${code}: ${message}` });
  }

  /** What the judge said. */
  judged({ results, failures }: DeliberationResult): void {
    for (const { agent_id, round, proposal, score } of results) {
      const key = `${agent_id} ${round}`;
      const { attempt = 1, seq = -1 } = this.#streams.get(key) ?? {};
      this.#streams.set(key, { agent_id, round, attempt, seq, state: "completed", text: proposal, score, error: null });
    }
    for (const { agent_id, round, error } of failures) {
      const key = `${agent_id} ${round}`;
      const { attempt = 1, seq = -1, text = "" } = this.#streams.get(key) ?? {};
      const why = `${error.code}: ${error.message}`;
      this.#streams.set(key, { agent_id, round, attempt, seq, state: "failed", text, score: null, error: why });
    }
  }

  /** By round, the agents in the order in which they sit. */
  list(seats: readonly string[]): AgentStream[] {
    const place = (agent: string): number => (seats.includes(agent) ? seats.indexOf(agent) : seats.length);
    return [...this.#streams.values()].sort((a, b) => a.round - b.round || place(a.agent_id) - place(b.agent_id));
  }
}
