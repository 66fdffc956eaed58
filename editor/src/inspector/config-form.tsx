/** The form of a node's config, made from the JSON Schema that its type declares. */
import Form, { type IChangeEvent } from "@rjsf/core";
import type {
  DescriptionFieldProps,
  FieldProps,
  FieldTemplateProps,
  IconButtonProps,
  ObjectFieldTemplateProps,
  RJSFSchema,
  UiSchema,
} from "@rjsf/utils";
import validator from "@rjsf/validator-ajv8";
import { useMemo } from "react";
import { formSchema, formUiSchema, withoutUntouchedDefaults } from "../model/config-schema.ts";
import type { JsonObject } from "../model/json.ts";
import { IconButton } from "../shell/icon-button.tsx";
import type { IconName } from "../shell/icons.tsx";
import { JsonField } from "./json-field.tsx";
import { LiteralField } from "./literal-field.tsx";
import { TextField } from "./text-field.tsx";

export interface ConfigFormProps {
  readonly schema: JsonObject;
  readonly value: JsonObject;
  readonly readOnly: boolean;
  /** The whole config, what the form does not know of it too. */
  readonly onChange: (config: JsonObject) => void;
}

export default function ConfigForm({ schema, value, readOnly, onChange }: ConfigFormProps) {
  const shown = useMemo(() => formSchema(schema) as RJSFSchema, [schema]);
  const uiSchema = useMemo(() => formUiSchema(schema) as UiSchema, [schema]);
  return (
    <Form
      schema={shown}
      uiSchema={uiSchema}
      formData={value}
      validator={validator}
      fields={fields}
      templates={templates}
      disabled={readOnly}
      liveValidate
      showErrorList={false}
      noHtml5Validate
      tagName="div"
      onChange={({ formData }: IChangeEvent) => onChange(withoutUntouchedDefaults(formData ?? {}, value, schema))}
    >
      {/* No submit button: changes are taken over as they are made. */}
      <span />
    </Form>
  );
}

function Json({ schema, formData, onChange, name, disabled, fieldPathId }: FieldProps) {
  return (
    <JsonField
      label={String(schema.title ?? name)}
      value={formData}
      placeholder={schema.default === undefined ? "not set" : `default ${JSON.stringify(schema.default)}`}
      {...(disabled === undefined ? {} : { disabled })}
      onChange={(value) => onChange(value, fieldPathId.path)}
    />
  );
}

function Any({ schema, formData, onChange, name, disabled, fieldPathId }: FieldProps) {
  return (
    <LiteralField
      label={String(schema.title ?? name)}
      type={{ type: "any" }}
      value={formData}
      {...(disabled === undefined ? {} : { disabled })}
      onChange={(value) => onChange(value, fieldPathId.path)}
    />
  );
}

function Scalar({ schema, formData, onChange, name, disabled, fieldPathId }: FieldProps) {
  return (
    <TextField
      label={String(schema.title ?? name)}
      value={formData === undefined ? "" : String(formData)}
      placeholder={schema.default === undefined ? "not set" : String(schema.default)}
      {...(disabled === undefined ? {} : { disabled })}
      onChange={(text) => onChange(scalarOf(text), fieldPathId.path)}
    />
  );
}

function scalarOf(text: string): string | number | undefined {
  if (text === "") return undefined;
  return /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : text;
}

const fields = { json: Json, any: Any, scalar: Scalar };

function FieldTemplate(props: FieldTemplateProps) {
  const { id, label, required, children, errors, description, hidden, schema, displayLabel, uiSchema } = props;
  if (hidden) return <div hidden>{children}</div>;
  const isGroup = id === "root";
  if (isGroup) return <>{children}</>;
  // These show their description themselves.
  const isCheck = schema.type === "boolean";
  // An entry of a list is told by its place.
  const isEntry = /_\d+$/.test(id);
  return (
    <div className="row">
      {(displayLabel || uiSchema?.["ui:field"] !== undefined) && !isCheck && !isEntry ? (
        <label className="row-label" htmlFor={id}>
          {label}
          {required ? (
            <span className="needed" title="required">
              *
            </span>
          ) : null}
        </label>
      ) : null}
      {children}
      {isCheck || schema.type === "array" ? null : description}
      {errors}
    </div>
  );
}

function ObjectFieldTemplate({ properties }: ObjectFieldTemplateProps) {
  return <>{properties.map((property) => property.content)}</>;
}

function DescriptionFieldTemplate({ description }: DescriptionFieldProps) {
  return description ? <small className="quiet">{description}</small> : null;
}

function button(icon: IconName, label: string) {
  return ({ onClick, disabled }: IconButtonProps) => (
    <IconButton
      icon={icon}
      label={label}
      disabled={disabled === true}
      onClick={() => (onClick as (() => void) | undefined)?.()}
    />
  );
}

const templates = {
  FieldTemplate,
  ObjectFieldTemplate,
  DescriptionFieldTemplate,
  ButtonTemplates: {
    AddButton: button("plus", "Add an entry"),
    RemoveButton: button("trash", "Remove the entry"),
    MoveUpButton: button("up", "Move up"),
    MoveDownButton: button("down", "Move down"),
    CopyButton: button("copy", "Copy the entry"),
  },
};
