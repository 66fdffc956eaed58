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

/** The schema as the form reads it: what a field of its own shows has no alternatives that the form would try out. */
export function formSchema(schema: JsonObject): JsonObject {
  if (!isObject(schema.properties)) return schema;
  const properties = Object.entries(schema.properties).map(([name, property]): [string, unknown] => {
    if (!isObject(property)) return [name, property];
    if (fieldFor(property) !== "any") return [name, formSchema(property)];
    const { anyOf: _, oneOf: __, ...plain } = property;
    return [name, plain];
  });
  return { ...schema, properties: Object.fromEntries(properties) };
}

function fieldFor(schema: JsonObject): "json" | "any" | undefined {
  const options = schema.anyOf ?? schema.oneOf;
  if (Array.isArray(options)) return options.every(isChoice) ? undefined : "any";
  if (schema.enum !== undefined || schema.const !== undefined || schema.$ref !== undefined) return undefined;
  if (schema.type === undefined) return "any";
  if (Array.isArray(schema.type)) return "any";
  return schema.type === "object" && !isObject(schema.properties) ? "json" : undefined;
}

const isChoice = (option: unknown): boolean =>
  isObject(option) && (option.const !== undefined || option.enum !== undefined);

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
