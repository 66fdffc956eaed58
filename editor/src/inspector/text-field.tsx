/** A line of text that is taken over as it is typed, when it is valid; what is not valid stays here, in red. */
import { useEffect, useId, useRef, useState } from "react";

export interface TextFieldProps {
  readonly label: string;
  readonly value: string;
  readonly onChange: (value: string) => void;
  readonly check?: (value: string) => string | undefined;
  readonly placeholder?: string | undefined;
  readonly disabled?: boolean;
  readonly multiline?: boolean;
  readonly mono?: boolean;
  readonly inputMode?: "decimal" | "numeric" | "text";
  readonly list?: string;
  readonly autoFocus?: boolean;
}

export function TextField(props: TextFieldProps) {
  const { label, value, onChange, check, multiline = false, mono = false, autoFocus } = props;
  const [text, setText] = useState(value);
  const last = useRef(value);
  const errorId = useId();
  useEffect(() => {
    if (last.current !== value) setText(value);
    last.current = value;
  }, [value]);
  const problem = check?.(text);
  const shared = {
    className: `field${mono ? " mono" : ""}`,
    "aria-label": label,
    "aria-invalid": problem !== undefined,
    "aria-describedby": problem === undefined ? undefined : errorId,
    autoComplete: "off",
    spellCheck: multiline && !mono,
    autoFocus,
    disabled: props.disabled,
    placeholder: props.placeholder,
    value: text,
    onChange: (event: { target: { value: string } }) => {
      setText(event.target.value);
      if (check?.(event.target.value) !== undefined) return;
      last.current = event.target.value;
      onChange(event.target.value);
    },
    // What was not valid is given up when the field is left.
    onBlur: () => {
      if (problem !== undefined) setText(value);
    },
  };
  return (
    <>
      {multiline ? (
        <textarea {...shared} rows={Math.min(8, Math.max(2, text.split("\n").length))} />
      ) : (
        <input type="text" inputMode={props.inputMode} list={props.list} {...shared} />
      )}
      {problem === undefined ? null : (
        <small id={errorId} className="field-error">
          {problem}
        </small>
      )}
    </>
  );
}
