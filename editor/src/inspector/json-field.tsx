/** A text field that holds JSON; what it holds is taken over once it is valid. */
import { useEffect, useId, useRef, useState } from "react";
import { sameJson } from "../model/json.ts";

export interface JsonFieldProps {
  readonly label: string;
  readonly value: unknown;
  /** `undefined`: the field was emptied. */
  readonly onChange: (value: unknown) => void;
  readonly placeholder?: string;
  /** Why a value that is JSON does not do; undefined when it does. */
  readonly check?: (value: unknown) => string | undefined;
  readonly disabled?: boolean;
  readonly rows?: number;
  readonly autoFocus?: boolean;
}

export function JsonField({ label, value, onChange, placeholder, check, disabled, rows, autoFocus }: JsonFieldProps) {
  const [text, setText] = useState(() => textOf(value));
  const errorId = useId();
  const last = useRef(value);
  useEffect(() => {
    // Someone else changed it: undo, an import. What was typed here came back unchanged.
    if (!sameJson(last.current, value)) setText(textOf(value));
    last.current = value;
  }, [value]);
  const { problem } = parse(text, check);
  return (
    <>
      <textarea
        className="field mono"
        aria-label={label}
        aria-invalid={problem !== undefined}
        aria-describedby={problem === undefined ? undefined : errorId}
        spellCheck={false}
        // biome-ignore lint/a11y/noAutofocus: only where the person asked for this field
        autoFocus={autoFocus}
        disabled={disabled}
        rows={rows ?? Math.min(10, Math.max(1, text.split("\n").length))}
        value={text}
        placeholder={placeholder}
        onChange={(event) => {
          setText(event.target.value);
          const parsed = parse(event.target.value, check);
          if (parsed.problem !== undefined) return;
          last.current = parsed.value;
          onChange(parsed.value);
        }}
      />
      {problem === undefined ? null : (
        <small id={errorId} className="field-error">
          {problem}
        </small>
      )}
    </>
  );
}

function textOf(value: unknown): string {
  return value === undefined ? "" : (JSON.stringify(value, null, isFlat(value) ? 0 : 2) ?? "");
}

function isFlat(value: unknown): boolean {
  return typeof value !== "object" || value === null || JSON.stringify(value).length < 36;
}

function parse(text: string, check?: (value: unknown) => string | undefined): { value?: unknown; problem?: string } {
  if (text.trim() === "") return { value: undefined };
  try {
    const value: unknown = JSON.parse(text);
    const problem = check?.(value);
    return problem === undefined ? { value } : { problem };
  } catch {
    return { problem: "This is no JSON: texts are written in double quotes" };
  }
}
