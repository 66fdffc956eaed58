/** The messages of NATS as they pass. */
import type { PassedMessage } from "../api/monitoring.ts";
import { changeMonitoring, useMonitoring } from "./monitoring-store.ts";
import { Section } from "./sections.tsx";
import { clock } from "./time-text.ts";

const MAX_SHOWN = 100;

export function Messages() {
  const { messages, isPaused, filter, withTokens, isLive } = useMonitoring();
  const wanted = filter.trim().toLowerCase();
  const shown = messages
    .filter(({ subject }) => withTokens || !subject.startsWith("vllm.streaming."))
    .filter((one) => wanted === "" || textOf(one).includes(wanted))
    .slice(0, MAX_SHOWN);
  return (
    <Section
      title="Messages"
      id="messages"
      more={<span className={`state ${isLive ? "" : "state-error"}`}>{isLive ? "live" : "not connected"}</span>}
    >
      <div className="monitor-filter">
        <input
          className="field"
          type="search"
          aria-label="Filter messages by subject or content"
          placeholder="Subject or content"
          value={filter}
          onChange={(event) => changeMonitoring({ filter: event.target.value })}
        />
        <label className="check">
          <input
            type="checkbox"
            checked={withTokens}
            onChange={(event) => changeMonitoring({ withTokens: event.target.checked })}
          />
          Tokens
        </label>
        <button
          type="button"
          className="button"
          aria-pressed={isPaused}
          onClick={() => changeMonitoring({ isPaused: !isPaused })}
        >
          {isPaused ? "Go on" : "Pause"}
        </button>
      </div>
      {shown.length === 0 ? <p className="quiet">Nothing has passed since this page is open.</p> : null}
      <ol className="monitor-messages">
        {shown.map((message) => (
          <li key={message.id}>
            <details>
              <summary>
                <time dateTime={message.at}>{clock(message.at)}</time> <span className="mono">{message.subject}</span>{" "}
                <span className="quiet">{message.bytes} bytes</span>
              </summary>
              <pre>{contentOf(message)}</pre>
            </details>
          </li>
        ))}
      </ol>
    </Section>
  );
}

function textOf(message: PassedMessage): string {
  return `${message.subject} ${contentOf(message)}`.toLowerCase();
}

function contentOf({ data, cut }: PassedMessage): string {
  const text = typeof data === "string" ? data : JSON.stringify(data, null, 2);
  return cut ? `${text}…` : text;
}
