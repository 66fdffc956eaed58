/**
 * Manifests as a Helm template: a string in a manifest may hold `{{ … }}`, and what is more than a string is written
 * with the marks below, each on a line of its own in the YAML, where the text of the template takes its place.
 */
import { stringify } from "yaml";
import type { Manifest } from "./manifest.ts";

/** A number or a boolean. */
export const plain = (expression: string): string => `{{plain ${expression}}}`;
/** A map or a list, as the value of a key. */
export const block = (expression: string): string => `{{block ${expression}}}`;
/** As an element of a list: an action (`if …`, `else`, `end`), not an element. */
export const action = (text: string): string => `{{action ${text}}}`;
/** As an element of a list: all elements of that list. */
export const items = (expression: string): string => `{{items ${expression}}}`;
/** As the value of a key that is there only when the expression gives something. */
export const optional = (expression: string): string => `{{optional ${expression}}}`;

/** One template file: the manifests, each when its condition holds, or all of them inside an action. */
export function chartTemplate(
  manifests: readonly Manifest[],
  options: { readonly inside?: string; readonly when?: (manifest: Manifest) => string | undefined } = {},
): string {
  const documents = manifests.map((manifest) => {
    const text = `---\n${marks(stringify(manifest, { lineWidth: 0, aliasDuplicateObjects: false, singleQuote: true }))}`;
    const condition = options.when?.(manifest);
    return condition === undefined ? text : `{{- if ${condition} }}\n${text}{{- end }}\n`;
  });
  const all = documents.join("");
  return options.inside === undefined ? all : `{{- ${options.inside} }}\n${all}{{- end }}\n`;
}

function marks(text: string): string {
  return text
    .replace(/'\{\{plain (.*?)\}\}'/g, "{{ $1 }}")
    .replace(/^( *)([^\s:]+): '\{\{block (.*?)\}\}'$/gm, (_, indent: string, key: string, expression: string) => {
      return `${indent}${key}:\n${indent}  {{- toYaml ${expression} | nindent ${indent.length + 2} }}`;
    })
    .replace(/^( *)([^\s:]+): '\{\{optional (.*?)\}\}'$/gm, (_, indent: string, key: string, expression: string) => {
      const value = `${indent}${key}:\n${indent}  {{- toYaml . | nindent ${indent.length + 2} }}`;
      return `${indent}{{- with ${expression} }}\n${value}\n${indent}{{- end }}`;
    })
    .replace(/^( *)- '\{\{action (.*?)\}\}'$/gm, "$1{{- $2 }}")
    .replace(/^( *)- '\{\{items (.*?)\}\}'$/gm, (_, indent: string, expression: string) => {
      return `${indent}{{- toYaml ${expression} | nindent ${indent.length} }}`;
    });
}
