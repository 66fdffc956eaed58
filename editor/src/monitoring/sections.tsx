/** The parts of the page that show the overview: figures, services, councils, jobs. */
import type { ReactNode } from "react";
import type { MonitoringOverview, ServiceView } from "../api/monitoring.ts";
import { ago, span } from "./time-text.ts";

export function Section({
  title,
  id,
  children,
  more,
}: {
  title: string;
  id: string;
  children: ReactNode;
  more?: ReactNode;
}) {
  return (
    <section className="monitor-section" aria-labelledby={id}>
      <header className="monitor-section-header">
        <h2 id={id}>{title}</h2>
        {more}
      </header>
      {children}
    </section>
  );
}

export function Totals({ totals }: { readonly totals: MonitoringOverview["totals"] }) {
  const figures: readonly (readonly [string, string])[] = [
    ["Active", String(totals.active)],
    ["Completed", String(totals.completed)],
    ["Failed", String(totals.failed)],
    ["Cancelled", String(totals.cancelled)],
    ["Average time", totals.completed === 0 ? "–" : span(totals.average_execution_time_ms)],
  ];
  return (
    <dl className="monitor-totals">
      {figures.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

const EXPECTED = ["orchestrator", "executor", "context"] as const;

export function Services({ services }: { readonly services: readonly ServiceView[] }) {
  const missing = EXPECTED.filter((name) => services.every(({ service }) => service !== name));
  return (
    <Section title="Services" id="services">
      <ul className="monitor-cards">
        {services.map((service) => (
          <li key={`${service.service} ${service.id}`} className="monitor-card" data-service={service.service}>
            <strong>{service.service}</strong> <span className="quiet mono">{service.id.slice(0, 12)}</span>
            <p className="quiet">
              {service.version}
              {service.uptime_seconds === null ? "" : `, up ${span(service.uptime_seconds * 1_000)}`}
            </p>
            <ul>
              {service.connections.map(({ name, state, detail }) => (
                <li key={name} className="monitor-connection">
                  <State state={state} /> {name} <span className="quiet">{detail}</span>
                </li>
              ))}
            </ul>
          </li>
        ))}
        {missing.map((name) => (
          <li key={name} className="monitor-card" data-service={name}>
            <strong>{name}</strong>
            <p className="monitor-connection">
              <State state="down" /> nobody answers <code>rayflow {name}</code>
            </p>
          </li>
        ))}
      </ul>
    </Section>
  );
}

const STATE_TEXT = { ok: "connected", down: "down", unknown: "not asked yet" } as const;

function State({ state }: { readonly state: keyof typeof STATE_TEXT }) {
  return <span className={`monitor-state monitor-state-${state}`}>{STATE_TEXT[state]}</span>;
}

export function Councils({ councils, at }: { readonly councils: MonitoringOverview["councils"]; readonly at: string }) {
  return (
    <Section title="Councils" id="councils">
      {councils.length === 0 ? <p className="quiet">No agent has deliberated yet.</p> : null}
      {councils.map(({ role, agents, deliberations, last_active_at }) => (
        <table key={role} className="monitor-table">
          <caption>
            {role}
            <span className="quiet">
              {" "}
              {deliberations} deliberation{deliberations === 1 ? "" : "s"}, last {ago(last_active_at, at)}
            </span>
          </caption>
          <thead>
            <tr>
              <th scope="col">Agent</th>
              <th scope="col">Model</th>
              <th scope="col">Deliberations</th>
            </tr>
          </thead>
          <tbody>
            {agents.map((agent) => (
              <tr key={agent.id}>
                <th scope="row" className="mono">
                  {agent.id}
                </th>
                <td>{agent.model === "" ? "the deployment's" : agent.model}</td>
                <td>{agent.deliberations}</td>
              </tr>
            ))}
          </tbody>
        </table>
      ))}
    </Section>
  );
}

export function Jobs({ jobs, at }: { readonly jobs: MonitoringOverview["jobs"]; readonly at: string }) {
  return (
    <Section title="Active jobs" id="jobs" more={<span className="state">{jobs.length}</span>}>
      {jobs.length === 0 ? (
        <p className="quiet">Nothing is at work.</p>
      ) : (
        <table className="monitor-table">
          <thead>
            <tr>
              <th scope="col">Agent</th>
              <th scope="col">Task</th>
              <th scope="col">State</th>
              <th scope="col">Since</th>
            </tr>
          </thead>
          <tbody>
            {jobs.map((job) => (
              <tr key={job.job_id}>
                <th scope="row" className="mono">
                  {job.agent_id ?? job.node}
                </th>
                <td className="mono">{job.task_id}</td>
                <td>
                  {job.state.toLowerCase()}
                  {job.attempt > 1 ? `, attempt ${job.attempt}` : ""}
                </td>
                <td>{job.started_at === null ? "–" : ago(job.started_at, at)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </Section>
  );
}
