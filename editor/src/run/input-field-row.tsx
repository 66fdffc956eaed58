/** One input of a run, in the form that its type asks for. */
import { useId, useState } from "react";
import type { Draft, InputField } from "./input-fields.ts";

interface InputFieldRowProps {
  readonly field: InputField;
  readonly draft: Draft;
  readonly problem: string | undefined;
  /** Before the first try a field is only blamed for what was written into it. */
  readonly showProblem: boolean;
  readonly isFirst?: boolean;
  readonly onChange: (draft: Draft) => void;
}

export function InputFieldRow({ field, draft, problem, showProblem, isFirst, onChange }: InputFieldRowProps) {
  const id = useId();
  const [left, setLeft] = useState(false);
  const { name, typeText, required, defaultText, description, form } = field;
  const shown = problem !== undefined && (showProblem || (left && draft !== undefined)) ? problem : undefined;
  const common = {
    id,
    "aria-invalid": shown !== undefined,
    "aria-required": required,
    "aria-describedby": `${id}-more`,
    "data-autofocus": isFirst === true ? true : undefined,
    onBlur: () => setLeft(true),
  };
  const placeholder = defaultText === undefined ? (form === "json" ? exampleOf(field) : "") : defaultText;
  return (
    <div className="run-field">
      <label htmlFor={id}>
        <span className="run-field-name">
          {name}
          {required ? <span className="run-required"> *</span> : null}
        </span>
        <span className="run-field-type">{typeText}</span>
      </label>
      {form === "switch" ? (
        <select
          {...common}
          value={draft ?? ""}
          onChange={(event) => onChange(event.target.value === "" ? undefined : event.target.value)}
        >
          <option value="">{defaultText === undefined ? "not given" : `default: ${defaultText}`}</option>
          <option value="true">true</option>
          <option value="false">false</option>
        </select>
      ) : form === "number" ? (
        <input
          {...common}
          inputMode="decimal"
          autoComplete="off"
          placeholder={placeholder}
          value={draft ?? ""}
          onChange={(event) => onChange(event.target.value === "" ? undefined : event.target.value)}
        />
      ) : (
        <textarea
          {...common}
          className={form === "json" ? "run-code" : ""}
          rows={form === "json" ? 4 : Math.min(6, Math.max(1, (draft ?? "").split("\n").length))}
          spellCheck={form !== "json"}
          placeholder={placeholder}
          value={draft ?? ""}
          onChange={(event) => onChange(event.target.value)}
          onKeyDown={(event) => {
            // Enter runs, as in every other field; a new line in a text is Shift+Enter.
            if (event.key !== "Enter" || event.shiftKey || (form === "json" && !event.ctrlKey && !event.metaKey))
              return;
            event.preventDefault();
            event.currentTarget.form?.requestSubmit();
          }}
        />
      )}
      <div id={`${id}-more`} className="run-field-more">
        {shown === undefined ? null : <span className="run-problem">{`${name} ${shown}`}</span>}
        {description === undefined ? null : <span className="run-dim">{description}</span>}
        {draft !== undefined && !required && form !== "switch" ? (
          <button type="button" className="run-link" onClick={() => onChange(undefined)}>
            {defaultText === undefined ? "Leave it out" : "Use the default"}
          </button>
        ) : null}
      </div>
    </div>
  );
}

function exampleOf({ type }: InputField): string {
  if (type.type === "list") return "[1, 2, 3]";
  return type.type === "dict" ? '{"key": "value"}' : 'JSON: 12, "text", true, null, [..], {..}';
}
