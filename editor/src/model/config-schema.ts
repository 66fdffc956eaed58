/** What the form of a config needs besides its JSON Schema. */
import { isObject, type JsonObject, sameJson } from "./json.ts";

/** How each part of the schema is shown: what no plain field can hold gets a field for JSON. */
export function formUiSchema(schema: unknown): JsonObject {
  if (!isObject(schema)) return {};
  const kind = fieldFor(schema);
  if (kind !== undefined) return { "ui:field": kind };
  const entries: [string, unknown][] = [];
  if (isObject(schema.properties)) {
    for (const [name, property] of Object.entries(schema.properties)) {
      const ui = { ...formUiSchema(property), ...placeholderOf(property) };
      if (Object.keys(ui).length > 0) entries.push([name, ui]);
    }
  }
  if (isObject(schema.items)) entries.push(["items", formUiSchema(schema.items)]);
  return Object.fromEntries(entries);
}

/**
 * The schema as the form reads it. What has a field of its own loses its alternatives, which the form would show
 * beside it; an empty schema, of which the form shows nothing, says that it means anything.
 */
export function formSchema(schema: JsonObject): JsonObject {
  const { $schema: _, ...plain } = schema;
  const { properties, items } = plain;
  return {
    ...plain,
    ...(isObject(properties)
      ? { properties: Object.fromEntries(Object.entries(properties).map(([key, part]) => [key, formPart(part)])) }
      : {}),
    ...(isObject(items) ? { items: formPart(items) } : {}),
  };
}

function formPart(part: unknown): unknown {
  if (!isObject(part)) return part;
  const { anyOf: _, oneOf: __, ...plain } = part;
  const shown = fieldFor(part) === undefined ? formSchema(part) : plain;
  return Object.keys(shown).length === 0 ? { $comment: "anything" } : shown;
}

function fieldFor(schema: JsonObject): "json" | "any" | "scalar" | undefined {
  const options = schema.anyOf ?? schema.oneOf;
  if (Array.isArray(options)) {
    if (options.every(isChoice)) return undefined;
    return options.every(isScalar) ? "scalar" : "any";
  }
  if (schema.enum !== undefined || schema.const !== undefined || schema.$ref !== undefined) return undefined;
  if (schema.type === undefined) return "any";
  if (Array.isArray(schema.type)) return "any";
  return schema.type === "object" && !isObject(schema.properties) ? "json" : undefined;
}

const isChoice = (option: unknown): boolean =>
  isObject(option) && (option.const !== undefined || option.enum !== undefined);

/** A number or a text, as times are: what is typed says which. */
const isScalar = (option: unknown): boolean =>
  isObject(option) && ["string", "number", "integer"].includes(String(option.type));

function placeholderOf(property: unknown): JsonObject {
  if (!isObject(property) || property.default === undefined || typeof property.default === "object") return {};
  return { "ui:placeholder": String(property.default) };
}

/** The form fills defaults in; what the author never set stays unset, and what was emptied goes. */
export function withoutUntouchedDefaults(next: JsonObject, before: JsonObject, schema: JsonObject): JsonObject {
  const properties = isObject(schema.properties) ? schema.properties : {};
  return Object.fromEntries(
    Object.entries(next).filter(([key, value]) => {
      if (value === undefined) return false;
      const property = properties[key];
      const fallback = isObject(property) ? property.default : undefined;
      if (Object.hasOwn(before, key)) return true;
      const isEmpty = fallback === undefined && isObject(value) && Object.keys(value).length === 0;
      return !(isEmpty || (fallback !== undefined && sameJson(fallback, value)));
    }),
  );
}
