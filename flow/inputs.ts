/** What a run is given against what START declares. */
import { isBlobReference, referenceFits } from "./blob-reference.ts";
import { type ApiSchema, apiSchema, type FlowNode, MAX_VALUE_DEPTH } from "./flow.ts";
import { describeValue, isObject, nestsDeeperThan, own } from "./json-value.ts";
import { formatPinType, type PinType, parsePinType, valueFits } from "./pin-type.ts";

export interface CheckedInputs {
  /** What START's outputs are: the declared inputs, defaults applied; all inputs when nothing is declared. */
  readonly values: Record<string, unknown>;
  /** One sentence for each input that is missing or does not fit. Empty when the run may begin. */
  readonly problems: string[];
}

/** What a START node declares; undefined when it takes whatever comes. */
export function apiSchemaOf(start: FlowNode): ApiSchema | undefined {
  const parsed = apiSchema.safeParse(own(start.config, "api_schema"));
  return parsed.success ? parsed.data : undefined;
}

/** Applies defaults and checks types. Inputs that nobody declared are left out. */
export function checkInputs(schema: ApiSchema | undefined, inputs: unknown): CheckedInputs {
  if (inputs !== undefined && !isObject(inputs)) {
    return { values: {}, problems: [`the inputs must be an object, not ${describeValue(inputs)}`] };
  }
  const given = inputs ?? {};
  const entries: [string, unknown][] = [];
  const problems: string[] = [];
  for (const name of Object.keys(schema ?? given)) {
    const field = schema?.[name];
    const isGiven = Object.hasOwn(given, name) && given[name] !== undefined;
    const type = (field && parsePinType(field.type)) ?? { type: "any" };
    if (!isGiven && field?.default !== undefined) {
      entries.push([name, field.default]);
    } else if (!isGiven) {
      if (field?.required) problems.push(`input "${name}" (${formatPinType(type)}) is required and missing`);
    } else if (nestsDeeperThan(given[name], MAX_VALUE_DEPTH)) {
      problems.push(`input "${name}" nests deeper than ${MAX_VALUE_DEPTH} levels`);
    } else if (!valueOrReferenceFits(given[name], type)) {
      problems.push(`input "${name}" must be ${formatPinType(type)}, not ${describeValue(given[name])}`);
    } else {
      entries.push([name, given[name]]);
    }
  }
  return { values: Object.fromEntries(entries), problems };
}

/** What a large value holds inside is not known here: the node that reads it checks that. */
function valueOrReferenceFits(value: unknown, type: PinType): boolean {
  return valueFits(value, type) || (isBlobReference(value) && referenceFits(value, type));
}
