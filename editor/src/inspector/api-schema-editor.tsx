/** The inputs that a flow declares at its START. */
import { parsePinType } from "../../../flow/index.ts";
import { moveField, removeField, renameField, setField } from "../model/api-schema.ts";
import { updateNode } from "../model/edit-nodes.ts";
import { type DocNode, type FlowDocument, freeName } from "../model/flow-document.ts";
import { isObject } from "../model/json.ts";
import { pinColor } from "../model/pin-colors.ts";
import { IconButton } from "../shell/icon-button.tsx";
import { Icon } from "../shell/icons.tsx";
import { edit } from "../stores/document-store.ts";
import { LiteralField } from "./literal-field.tsx";
import { Section } from "./section.tsx";
import { TextField } from "./text-field.tsx";

const TYPES = [
  "int",
  "float",
  "str",
  "bool",
  "list",
  "dict",
  "any",
  "list[int]",
  "list[float]",
  "list[str]",
  "dict[str,any]",
];

export function ApiSchemaEditor({ node, readOnly }: { readonly node: DocNode; readonly readOnly: boolean }) {
  const schema = isObject(node.config.api_schema) ? node.config.api_schema : undefined;
  const fields = Object.entries(schema ?? {});
  const change = (next: (document: FlowDocument) => FlowDocument, merge?: string) => edit(next, merge);
  const add = () => {
    const name = freeName("input", (taken) => schema !== undefined && Object.hasOwn(schema, taken));
    change((document) => setField(document, node.id, name, { type: "any", required: true }));
  };
  return (
    <Section title="Inputs of the flow">
      {schema === undefined ? (
        <p className="quiet">Nothing is declared: the flow takes whatever it is given, unchecked.</p>
      ) : null}
      {fields.map(([name, field], at) => (
        <Field
          // biome-ignore lint/suspicious/noArrayIndexKey: its name is what is edited here
          key={`${at} of ${fields.length}`}
          name={name}
          field={isObject(field) ? field : {}}
          taken={fields.map(([other]) => other)}
          readOnly={readOnly}
          onRename={(to) => change((document) => renameField(document, node.id, name, to))}
          onChange={(next, merge) =>
            change((document) => setField(document, node.id, name, next), `${merge} ${node.id} ${name}`)
          }
          onRemove={() => change((document) => removeField(document, node.id, name))}
          {...(at === 0 ? {} : { onUp: () => change((document) => moveField(document, node.id, name, -1)) })}
        />
      ))}
      <datalist id="pin-types">
        {TYPES.map((type) => (
          <option key={type} value={type} />
        ))}
      </datalist>
      <div className="button-row">
        <button type="button" className="button" disabled={readOnly} onClick={add}>
          <Icon name="plus" /> Add an input
        </button>
        {schema === undefined ? null : (
          <button
            type="button"
            className="button"
            disabled={readOnly}
            title="The flow then takes whatever it is given"
            onClick={() =>
              change((document) =>
                updateNode(document, node.id, (before) => {
                  const { api_schema: _, ...config } = before.config;
                  return { ...before, config };
                }),
              )
            }
          >
            Take anything
          </button>
        )}
      </div>
    </Section>
  );
}

interface FieldRowProps {
  readonly name: string;
  readonly field: Readonly<Record<string, unknown>>;
  readonly taken: readonly string[];
  readonly readOnly: boolean;
  readonly onRename: (name: string) => void;
  readonly onChange: (field: Readonly<Record<string, unknown>>, merge: string) => void;
  readonly onRemove: () => void;
  readonly onUp?: () => void;
}

function Field({ name, field, taken, readOnly, onRename, onChange, onRemove, onUp }: FieldRowProps) {
  const typeText = typeof field.type === "string" ? field.type : "any";
  const type = parsePinType(typeText) ?? { type: "any" };
  const withKey = (key: string, value: unknown) => {
    const { [key]: _, ...rest } = field;
    onChange(value === undefined ? rest : { ...field, [key]: value }, key);
  };
  return (
    <fieldset className="api-field">
      <legend className="visually-hidden">Input {name}</legend>
      <div className="api-field-head">
        <span className="dot" style={{ background: pinColor("data", type) }} />
        <TextField
          label={`Name of input ${name}`}
          value={name}
          mono
          disabled={readOnly}
          check={(text) =>
            text === ""
              ? "It needs a name"
              : text !== name && taken.includes(text)
                ? "There is one called so"
                : undefined
          }
          onChange={onRename}
        />
        <TextField
          label={`Type of ${name}`}
          value={typeText}
          list="pin-types"
          disabled={readOnly}
          check={(text) => (parsePinType(text) === undefined ? "No type: int, list[str], dict[str,any]…" : undefined)}
          onChange={(text) => withKey("type", text)}
        />
        {onUp === undefined ? null : (
          <IconButton icon="up" label={`Move ${name} up`} disabled={readOnly} onClick={onUp} />
        )}
        <IconButton icon="trash" label={`Remove input ${name}`} disabled={readOnly} onClick={onRemove} />
      </div>
      <label className="check">
        <input
          type="checkbox"
          disabled={readOnly}
          checked={field.required === true}
          onChange={(event) => withKey("required", event.target.checked ? true : undefined)}
        />
        <span>Required</span>
      </label>
      {field.required === true && field.default === undefined ? null : (
        <div className="inline-field">
          <span>Default</span>
          <LiteralField
            label={`Default of ${name}`}
            type={type}
            value={field.default}
            disabled={readOnly}
            placeholder="none"
            onChange={(value) => withKey("default", value)}
          />
        </div>
      )}
      <TextField
        label={`Description of ${name}`}
        value={typeof field.description === "string" ? field.description : ""}
        placeholder="What it is for"
        disabled={readOnly}
        onChange={(text) => withKey("description", text === "" ? undefined : text)}
      />
    </fieldset>
  );
}
