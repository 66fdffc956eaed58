/** The deliberations: a list, and those that go on or were chosen with what each agent says. */
import { useEffect, useRef } from "react";
import type { AgentStream, DeliberationDetail, DeliberationView } from "../api/monitoring.ts";
import { look } from "./follow-monitoring.ts";
import { changeMonitoring, shownIds, useMonitoring } from "./monitoring-store.ts";
import { Section } from "./sections.tsx";
import { ago, span } from "./time-text.ts";

export function Deliberations({ at }: { readonly at: string }) {
  const overview = useMonitoring((state) => state.overview);
  const chosen = useMonitoring((state) => state.chosen);
  const details = useMonitoring((state) => state.details);
  const deliberations = overview?.deliberations ?? [];
  const shown = shownIds({ overview, chosen });
  return (
    <Section title="Deliberations" id="deliberations">
      {deliberations.length === 0 ? (
        <p className="quiet">None yet. A test case starts one, or a plan on planning.plan.approved.</p>
      ) : (
        <ul className="monitor-list">
          {deliberations.map((one) => (
            <li key={one.deliberation_id}>
              <Line deliberation={one} at={at} isShown={shown.includes(one.deliberation_id)} />
            </li>
          ))}
        </ul>
      )}
      {shown.map((id) => {
        const detail = details[id];
        return detail === undefined ? null : <Detail key={id} detail={detail} />;
      })}
    </Section>
  );
}

function Line({ deliberation, at, isShown }: { deliberation: DeliberationView; at: string; isShown: boolean }) {
  const { deliberation_id, task_id, task_description, role, status, submitted_at, ended_at } = deliberation;
  const took =
    ended_at === null ? ago(submitted_at, at) : `took ${span(Date.parse(ended_at) - Date.parse(submitted_at))}`;
  const choose = () => {
    changeMonitoring({ chosen: deliberation_id });
    void look();
  };
  return (
    <button type="button" className="monitor-line" aria-pressed={isShown} onClick={choose}>
      <StatusText status={status} />
      <span className="monitor-line-task">
        <span className="mono">{task_id}</span>
        <span className="quiet"> {task_description}</span>
      </span>
      <span className="quiet">
        {role}, {took}
      </span>
    </button>
  );
}

function StatusText({ status }: { readonly status: DeliberationView["status"] }) {
  return <span className={`monitor-status monitor-status-${status}`}>{status}</span>;
}

function Detail({ detail }: { readonly detail: DeliberationDetail }) {
  const { deliberation_id, task_id, task_description, status, agents, winner, error, agent_ids } = detail;
  const heading = `deliberation-${deliberation_id}`;
  const silent = agent_ids.filter((id) => agents.every(({ agent_id }) => agent_id !== id));
  return (
    <article className="monitor-detail" aria-labelledby={heading} data-deliberation={deliberation_id}>
      <header>
        <h3 id={heading}>
          <span className="mono">{task_id}</span> <StatusText status={status} />
        </h3>
        <p>{task_description}</p>
        <a href={`./index.html#/run/${deliberation_id}`}>Its run in the editor</a>
      </header>
      {error === null ? null : <p className="notice notice-error">{error}</p>}
      <ul className="monitor-agents">
        {agents.map((agent) => (
          <Agent
            key={`${agent.agent_id} ${agent.round}`}
            agent={agent}
            isWinner={winner?.agent_id === agent.agent_id && agent.score !== null}
          />
        ))}
        {silent.map((id) => (
          <li key={id} className="monitor-agent">
            <header>
              <strong className="mono">{id}</strong>
              <span className="quiet">{status === "running" ? "has not begun" : "gave no answer"}</span>
            </header>
          </li>
        ))}
      </ul>
    </article>
  );
}

function Agent({ agent, isWinner }: { readonly agent: AgentStream; readonly isWinner: boolean }) {
  const { agent_id, round, attempt, state, text, score, error } = agent;
  const box = useRef<HTMLElement>(null);
  // The newest words stay in sight.
  // biome-ignore lint/correctness/useExhaustiveDependencies: each new text scrolls
  useEffect(() => {
    if (state === "streaming" && box.current !== null) box.current.scrollTop = box.current.scrollHeight;
  }, [text, state]);
  return (
    <li className="monitor-agent" data-state={state} data-winner={isWinner}>
      <header>
        <strong className="mono">{agent_id}</strong>
        <span className="quiet">
          round {round}
          {attempt > 1 ? `, attempt ${attempt}` : ""}, {state}
          {score === null ? "" : `, scored ${score.toFixed(2)}`}
          {isWinner ? ", won" : ""}
        </span>
      </header>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard */}
      <section ref={box} className="monitor-words" tabIndex={0} aria-label={`What ${agent_id} says`}>
        <pre>{text}</pre>
      </section>
      {error === null ? null : <p className="notice notice-error">{error}</p>}
    </li>
  );
}
