/** What the agents of a deliberation do, as lines for people. */
import type { NatsConnection } from "@nats-io/transport-node";
import { agentResultEvent, deliberationSubjects, streamingEvent } from "../deliberation/index.ts";
import { decodeMessage } from "../nats/index.ts";
import { type Output, styled } from "./output.ts";

const SHOWN_LETTERS = 160;

/** Prints when an agent begins and what it answered, as it comes. */
export function watchAgents(nc: NatsConnection, taskId: string, output: Output): { stop(): Promise<void> } {
  const streams = nc.subscribe(deliberationSubjects.streaming(taskId), {
    callback: (error, message) => {
      const event = error === null ? decodeMessage(streamingEvent, message.data) : undefined;
      if (!event?.ok) return;
      const { event_type, agent_id, round, attempt, error: why } = event.value;
      const who = `${agent_id}, round ${round}`;
      if (event_type === "vllm.stream.started") {
        output.note(`${styled("▶", "cyan", output.color)} ${who} thinks${attempt > 1 ? ` (request ${attempt})` : ""}`);
      }
      if (event_type === "vllm.stream.failed") {
        output.note(`${styled("↻", "yellow", output.color)} ${who}: ${why?.message ?? ""}`);
      }
    },
  });
  const results = nc.subscribe(deliberationSubjects.agentResults(taskId), {
    callback: (error, message) => {
      const event = error === null ? decodeMessage(agentResultEvent, message.data) : undefined;
      if (!event?.ok) return;
      const { agent_id, round } = event.value;
      const who = `${agent_id}, round ${round}`;
      if (event.value.status === "failed") {
        const { code, message: why } = event.value.error;
        output.note(`${styled("✖", "red", output.color)} ${who}: ${code}: ${why}`);
        return;
      }
      const { proposal, usage, duration_ms } = event.value.answer;
      const facts = styled(`${usage.total_tokens} tokens, ${duration_ms.toFixed(0)} ms`, "dim", output.color);
      output.note(`${styled("✔", "green", output.color)} ${who} (${facts}): ${shortened(proposal)}`);
    },
  });
  let stopped: Promise<void> | undefined;
  return {
    stop: () => {
      stopped ??= Promise.all([streams.drain(), results.drain()]).then(() => undefined);
      return stopped;
    },
  };
}

function shortened(text: string): string {
  const line = text.replace(/\s+/g, " ").trim();
  return line.length <= SHOWN_LETTERS ? line : `${line.slice(0, SHOWN_LETTERS)} …`;
}
