/** What happens when the node fails or takes too long. Only what is set is written; the rest is the engine's default. */
import { duration } from "../../../flow/index.ts";
import { setPolicy, updateNode } from "../model/edit-nodes.ts";
import type { DocNode } from "../model/flow-document.ts";
import { isObject, type JsonObject, withEntry } from "../model/json.ts";
import { edit } from "../stores/document-store.ts";
import { Row, Section } from "./section.tsx";
import { TextField } from "./text-field.tsx";

interface PolicyFormProps {
  readonly node: DocNode;
  readonly readOnly: boolean;
}

interface FieldProps {
  readonly label: string;
  readonly value: unknown;
  readonly placeholder: string;
  readonly hint?: string;
  readonly readOnly: boolean;
  readonly onChange: (value: unknown) => void;
}

export function PolicyForm({ node, readOnly }: PolicyFormProps) {
  const policy = node.policy ?? {};
  const retry = isObject(policy.retry) ? policy.retry : {};
  const cache = isObject(policy.cache) ? policy.cache : {};
  const set = (key: string, value: unknown) =>
    edit(
      (document) =>
        updateNode(document, node.id, (before) => setPolicy(before, withEntry(before.policy ?? {}, key, value))),
      `policy ${node.id} ${key}`,
    );
  const setIn = (key: "retry" | "cache", part: JsonObject, name: string, value: unknown) => {
    const next = withEntry(part, name, value);
    set(key, Object.keys(next).length === 0 ? undefined : next);
  };
  const retries = (name: string) => (value: unknown) => setIn("retry", retry, name, value);
  const count = Object.keys(policy).length;
  return (
    <Section title="Policy" folded={count === 0} {...(count === 0 ? {} : { note: `${count} set` })}>
      <Count
        label="Attempts"
        value={retry.max_attempts}
        placeholder="1: no retry"
        readOnly={readOnly}
        onChange={(value) => (value === undefined ? set("retry", undefined) : retries("max_attempts")(value))}
      />
      {typeof retry.max_attempts === "number" && retry.max_attempts > 1 ? (
        <>
          <Time
            label="Wait before the second"
            value={retry.initial_interval}
            placeholder="1s"
            readOnly={readOnly}
            onChange={retries("initial_interval")}
          />
          <Count
            label="Each wait times"
            value={retry.backoff}
            placeholder="2"
            isFraction
            readOnly={readOnly}
            onChange={retries("backoff")}
          />
          <Time
            label="Longest wait"
            value={retry.max_interval}
            placeholder="60s"
            readOnly={readOnly}
            onChange={retries("max_interval")}
          />
          <label className="check">
            <input
              type="checkbox"
              disabled={readOnly}
              checked={retry.jitter !== false}
              onChange={(event) => retries("jitter")(event.target.checked ? undefined : false)}
            />
            <span>Spread the waits</span>
          </label>
          <Row label="Never again after" hint="Error codes, with commas between them.">
            <TextField
              label="Error codes that are not retried"
              value={Array.isArray(retry.non_retryable) ? retry.non_retryable.join(", ") : ""}
              placeholder="ValidationError"
              disabled={readOnly}
              onChange={(text) => {
                const codes = text
                  .split(",")
                  .map((code) => code.trim())
                  .filter(Boolean);
                retries("non_retryable")(codes.length === 0 ? undefined : codes);
              }}
            />
          </Row>
        </>
      ) : null}
      <Time
        label="Timeout of an attempt"
        value={policy.timeout}
        placeholder="5m"
        readOnly={readOnly}
        onChange={(value) => set("timeout", value)}
      />
      <Time
        label="Deadline of all attempts"
        value={policy.deadline}
        placeholder="none"
        readOnly={readOnly}
        onChange={(value) => set("deadline", value)}
      />
      <Time
        label="Heartbeat"
        value={policy.heartbeat}
        placeholder="none"
        hint="The longest silence of its actor."
        readOnly={readOnly}
        onChange={(value) => set("heartbeat", value)}
      />
      <Row label="When it fails">
        <select
          className="field"
          aria-label="When it fails"
          disabled={readOnly}
          value={typeof policy.on_error === "string" ? policy.on_error : ""}
          onChange={(event) => set("on_error", event.target.value === "" ? undefined : event.target.value)}
        >
          <option value="">as the flow says</option>
          <option value="fail">it fails</option>
          <option value="continue">go on with default values</option>
        </select>
      </Row>
      <Time
        label="Keep the result for"
        value={cache.ttl}
        placeholder="not kept"
        hint="Same type, config and inputs: the result is taken from the cache."
        readOnly={readOnly}
        onChange={(value) => (value === undefined ? set("cache", undefined) : setIn("cache", cache, "ttl", value))}
      />
      {cache.ttl === undefined ? null : (
        <Row label="Cache key">
          <TextField
            label="Cache key"
            value={typeof cache.key === "string" ? cache.key : ""}
            placeholder="type, config and inputs"
            disabled={readOnly}
            onChange={(text) => setIn("cache", cache, "key", text === "" ? undefined : text)}
          />
        </Row>
      )}
    </Section>
  );
}

/** `500ms`, `30s`, `5m`, or a number of seconds. */
function Time({ label, value, placeholder, hint, readOnly, onChange }: FieldProps) {
  return (
    <Row label={label} hint={hint}>
      <TextField
        label={label}
        value={value === undefined ? "" : String(value)}
        placeholder={placeholder}
        disabled={readOnly}
        check={(text) =>
          text.trim() === "" || duration.safeParse(asDuration(text)).success
            ? undefined
            : "A time is a number and ms, s, m, h or d: 30s"
        }
        onChange={(text) => onChange(text.trim() === "" ? undefined : asDuration(text))}
      />
    </Row>
  );
}

function asDuration(text: string): string | number {
  return /^\d+(\.\d+)?$/.test(text.trim()) ? Number(text) : text.trim();
}

function Count({
  label,
  value,
  placeholder,
  readOnly,
  onChange,
  isFraction = false,
}: FieldProps & { readonly isFraction?: boolean }) {
  return (
    <Row label={label}>
      <TextField
        label={label}
        inputMode={isFraction ? "decimal" : "numeric"}
        value={value === undefined ? "" : String(value)}
        placeholder={placeholder}
        disabled={readOnly}
        check={(text) => {
          const number = Number(text);
          if (text.trim() === "") return undefined;
          return number >= 1 && number <= 1000 && (isFraction || Number.isInteger(number))
            ? undefined
            : `A ${isFraction ? "" : "whole "}number from 1 to 1000`;
        }}
        onChange={(text) => onChange(text.trim() === "" ? undefined : Number(text))}
      />
    </Row>
  );
}
