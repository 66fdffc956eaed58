import { defineNode, dict, RayflowError, str } from "../../actors/sdk.ts";
import { lookUp } from "../_look-up.ts";
import { toText } from "../_text.ts";
import { checkTextLength } from "../_text-limit.ts";

/** `{{`, `}}`, `{name}`, or a brace that is neither. */
const TOKEN = /\{\{|\}\}|\{([^{}]*)\}|\{/g;

export default defineNode({
  type: "string_format",
  title: "Format",
  category: "string",
  description:
    "Fills {name} placeholders from the values; {a.b} looks into a dict. {{ and }} stand for braces. A missing name fails.",
  pure: true,
  inputs: { template: str(), values: dict() },
  outputs: { result: str() },
  run({ inputs: { template, values } }) {
    let length = 0;
    const result = template.replace(TOKEN, (token: string, name: string | undefined, at: number) => {
      if (token === "{{" || token === "}}") return token.slice(1);
      if (name === undefined) throw failure("BadTemplate", `the { at character ${at + 1} is never closed; write {{`);
      const found = lookUp(values, [name]) ?? lookUp(values, name.split("."));
      if (!found) throw failure("MissingPlaceholder", `no value for {${name}}`);
      const text = toText(found.value);
      length += text.length;
      checkTextLength(length);
      return text;
    });
    return { result };
  },
});

function failure(code: string, message: string): RayflowError {
  return new RayflowError(code, message, { retryable: false });
}
