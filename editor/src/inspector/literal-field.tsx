/** Edits a literal of a pin's type: a number, a text, yes or no, JSON; of `any`, which of them is chosen first. */
import type { PinType } from "../../../flow/index.ts";
import { formatPinType, valueFits } from "../../../flow/index.ts";
import { isObject } from "../model/json.ts";
import { JsonField } from "./json-field.tsx";
import { TextField } from "./text-field.tsx";

export interface LiteralFieldProps {
  readonly label: string;
  readonly type: PinType;
  /** `undefined`: there is none; `null` is one. */
  readonly value: unknown;
  readonly onChange: (value: unknown) => void;
  readonly placeholder?: string;
  readonly disabled?: boolean;
  readonly autoFocus?: boolean;
}

export function LiteralField(props: LiteralFieldProps) {
  const { type, value } = props;
  if (type.type === "any") return <AnyField {...props} />;
  // A value of another type, from a file, is shown as what it is: to be mended, not lost.
  if (value !== undefined && !valueFits(value, type)) return <JsonOf {...props} />;
  switch (type.type) {
    case "int":
    case "float":
      return <NumberField {...props} isWhole={type.type === "int"} />;
    case "str":
      return <TextOf {...props} />;
    case "bool":
      return <BoolField {...props} />;
    default:
      return <JsonOf {...props} />;
  }
}

function NumberField({ isWhole, ...props }: LiteralFieldProps & { readonly isWhole: boolean }) {
  const { label, value, onChange, placeholder, disabled, autoFocus } = props;
  return (
    <TextField
      label={label}
      inputMode={isWhole ? "numeric" : "decimal"}
      value={value === undefined ? "" : String(value)}
      placeholder={placeholder}
      {...(disabled === undefined ? {} : { disabled })}
      {...(autoFocus === undefined ? {} : { autoFocus })}
      check={(text) => {
        if (text.trim() === "") return undefined;
        const number = Number(text);
        if (!Number.isFinite(number)) return "This is no number";
        return isWhole && !Number.isInteger(number) ? "This is no whole number" : undefined;
      }}
      onChange={(text) => onChange(text.trim() === "" ? undefined : Number(text))}
    />
  );
}

function TextOf({ label, value, onChange, placeholder, disabled, autoFocus }: LiteralFieldProps) {
  const text = typeof value === "string" ? value : "";
  return (
    <TextField
      label={label}
      value={text}
      multiline={text.includes("\n")}
      placeholder={value === undefined ? placeholder : "empty text"}
      {...(disabled === undefined ? {} : { disabled })}
      {...(autoFocus === undefined ? {} : { autoFocus })}
      onChange={onChange}
    />
  );
}

function BoolField({ label, value, onChange, placeholder, disabled, autoFocus }: LiteralFieldProps) {
  return (
    <select
      className="field"
      aria-label={label}
      disabled={disabled}
      // biome-ignore lint/a11y/noAutofocus: only where the person asked for this field
      autoFocus={autoFocus}
      value={value === undefined ? "" : String(value)}
      onChange={(event) => onChange(event.target.value === "" ? undefined : event.target.value === "true")}
    >
      <option value="">{placeholder ?? "not set"}</option>
      <option value="true">true</option>
      <option value="false">false</option>
    </select>
  );
}

function JsonOf({ label, type, value, onChange, placeholder, disabled, autoFocus }: LiteralFieldProps) {
  return (
    <JsonField
      label={label}
      value={value}
      onChange={onChange}
      {...(placeholder === undefined ? {} : { placeholder })}
      {...(disabled === undefined ? {} : { disabled })}
      {...(autoFocus === undefined ? {} : { autoFocus })}
      check={(parsed) => (valueFits(parsed, type) ? undefined : `This is not ${formatPinType(type)}`)}
    />
  );
}

const kinds = {
  unset: "not set",
  str: "text",
  float: "number",
  bool: "true/false",
  json: "list or dict",
  null: "null",
};
type Kind = keyof typeof kinds;
const firsts: Record<Kind, unknown> = { unset: undefined, str: "", float: 0, bool: true, json: [], null: null };

function kindOf(value: unknown): Kind {
  if (value === undefined) return "unset";
  if (value === null) return "null";
  if (typeof value === "string") return "str";
  if (typeof value === "number") return "float";
  return typeof value === "boolean" ? "bool" : "json";
}

function AnyField(props: LiteralFieldProps) {
  const { label, value, onChange, disabled, placeholder } = props;
  const kind = kindOf(value);
  return (
    <div className="any-field">
      <select
        className="field"
        aria-label={`Kind of ${label}`}
        disabled={disabled}
        value={kind}
        onChange={(event) => {
          const next = event.target.value as Kind;
          onChange(converted(value, next));
        }}
      >
        {Object.entries(kinds).map(([name, title]) => (
          <option key={name} value={name}>
            {name === "unset" && placeholder !== undefined ? placeholder : title}
          </option>
        ))}
      </select>
      {kind === "str" || kind === "float" || kind === "bool" ? <LiteralField {...props} type={{ type: kind }} /> : null}
      {kind === "json" ? (
        <JsonField
          label={label}
          value={value}
          onChange={onChange}
          {...(disabled === undefined ? {} : { disabled })}
          check={(parsed) => (Array.isArray(parsed) || isObject(parsed) ? undefined : "This is no list or dict")}
        />
      ) : null}
    </div>
  );
}

/** The value as another kind, where it can be read so. */
function converted(value: unknown, kind: Kind): unknown {
  if (kind === "str" && value !== undefined) return typeof value === "string" ? value : JSON.stringify(value);
  if (kind === "float" && typeof value === "string" && value.trim() !== "" && Number.isFinite(Number(value))) {
    return Number(value);
  }
  return firsts[kind];
}
