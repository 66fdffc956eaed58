/** The fields in which a run's inputs are written, from what START declares; what is written, read back as JSON. */
import {
  type ApiSchema,
  apiSchemaOf,
  checkInputs,
  formatPinType,
  type PinType,
  parsePinType,
} from "../../../flow/index.ts";
import type { FlowDocument } from "../model/flow-document.ts";
import { isObject } from "../model/json.ts";
import { toFlowNode } from "../model/node-view.ts";

export interface InputField {
  readonly name: string;
  readonly type: PinType;
  readonly typeText: string;
  readonly required: boolean;
  /** As JSON or text, the way it would be written; undefined: there is none. */
  readonly defaultText: string | undefined;
  readonly description: string | undefined;
  /** How it is written. */
  readonly form: "text" | "number" | "switch" | "json";
}

/** A field as it stands; undefined: nothing is given, so that the default counts. */
export type Draft = string | undefined;

export interface ReadInputs {
  readonly inputs: Readonly<Record<string, unknown>>;
  /** What is wrong, by field. Empty: the run may start. */
  readonly problems: ReadonlyMap<string, string>;
}

/** What START declares; undefined when it takes whatever comes, or when there is no START. */
export function declaredInputs(document: FlowDocument): ApiSchema | undefined {
  const start = document.nodes.find(({ type }) => type === "start");
  return start && apiSchemaOf(toFlowNode(start));
}

export function fieldsOf(schema: ApiSchema): InputField[] {
  return Object.entries(schema).map(([name, field]) => {
    const type = parsePinType(field.type) ?? { type: "any" };
    const form = formOf(type);
    return {
      name,
      type,
      typeText: formatPinType(type),
      required: field.required === true && field.default === undefined,
      defaultText: field.default === undefined ? undefined : writtenAs(form, field.default),
      description: field.description,
      form,
    };
  });
}

function formOf({ type }: PinType): InputField["form"] {
  if (type === "str") return "text";
  if (type === "int" || type === "float") return "number";
  return type === "bool" ? "switch" : "json";
}

/** A value the way it is written in a field. */
export function writtenAs(form: InputField["form"], value: unknown): string {
  return form === "text" && typeof value === "string" ? value : JSON.stringify(value, null, form === "json" ? 2 : 0);
}

/** Reads all fields; drafts of no field are left out. */
export function readInputs(schema: ApiSchema, drafts: Readonly<Record<string, Draft>>): ReadInputs {
  const problems = new Map<string, string>();
  const given: [string, unknown][] = [];
  for (const field of fieldsOf(schema)) {
    const { name } = field;
    const draft = Object.hasOwn(drafts, name) ? drafts[name] : undefined;
    if (draft === undefined || (field.form !== "text" && draft.trim() === "")) {
      if (field.required) problems.set(name, "is required");
      continue;
    }
    const read = readDraft(field, draft);
    const [why] =
      "problem" in read
        ? [read.problem]
        : checkInputs({ [name]: schema[name] ?? { type: "any" } }, { [name]: read.value }).problems;
    if (why !== undefined) problems.set(name, why.replace(/^input "[^"]*" /, ""));
    else if ("value" in read) given.push([name, read.value]);
  }
  return { inputs: Object.fromEntries(given), problems };
}

function readDraft({ form, typeText }: InputField, draft: string): { value: unknown } | { problem: string } {
  if (form === "text") return { value: draft };
  const read = parseJson(draft);
  if ("value" in read) return read;
  return { problem: form === "json" ? `is not JSON: ${read.problem}` : `must be ${typeText}` };
}

/** Inputs of a flow that declares none: one JSON object. */
export function readFreeInputs(text: string): ReadInputs {
  if (text.trim() === "") return { inputs: {}, problems: new Map() };
  const read = parseJson(text);
  if ("problem" in read) return { inputs: {}, problems: new Map([["", `is not JSON: ${read.problem}`]]) };
  if (!isObject(read.value)) return { inputs: {}, problems: new Map([["", "must be a JSON object"]]) };
  const [problem] = checkInputs(undefined, read.value).problems;
  return { inputs: read.value, problems: problem === undefined ? new Map() : new Map([["", problem]]) };
}

export function parseJson(text: string): { readonly value: unknown } | { readonly problem: string } {
  try {
    return { value: JSON.parse(text) };
  } catch (error) {
    return { problem: error instanceof Error ? error.message : String(error) };
  }
}
