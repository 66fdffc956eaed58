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

export interface ConfigFormProps {
  readonly schema: JsonObject;
  readonly value: JsonObject;
  readonly readOnly: boolean;
  /** What the form holds; keys that it does not know stay as they are. */
  readonly onChange: (config: JsonObject) => void;
  /** As onChange, but the whole config: a key was emptied. */
  readonly onReplace: (config: JsonObject) => void;
}

export default function ConfigForm({ schema, value, readOnly, onReplace }: ConfigFormProps) {
  const { $schema: _, ...plain } = schema;
  const uiSchema = useMemo(() => formUiSchema(schema) as UiSchema, [schema]);
  return (
    <Form
      schema={formSchema(plain) as RJSFSchema}
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
      onChange={({ formData }: IChangeEvent) => onReplace(withoutUntouchedDefaults(formData ?? {}, value, schema))}
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

const fields = { json: Json, any: Any };

function FieldTemplate(props: FieldTemplateProps) {
  const { id, label, required, children, errors, description, hidden, schema, displayLabel } = props;
  if (hidden) return <div hidden>{children}</div>;
  const isGroup = id === "root";
  if (isGroup) return <>{children}</>;
  const isCheck = schema.type === "boolean";
  return (
    <div className="row">
      {displayLabel && !isCheck ? (
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
      {isCheck ? null : description}
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
