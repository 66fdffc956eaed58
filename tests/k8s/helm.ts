/** `helm template` for one chart without dependencies, for tests that may not count on a helm. */
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { parse, parseAllDocuments, stringify } from "yaml";
import { execute, type Functions, readTemplates, type Templates, truth } from "./go-template.ts";
import type { Tree } from "./patches.ts";

export interface HelmOptions {
  /** Values over the chart's own, the last ones first in rank. */
  readonly values?: readonly Tree[];
  readonly namespace?: string;
}

/** The manifests that the chart gives, in the order of its files. */
export function helmTemplate(chart: string, options: HelmOptions = {}): Tree[] {
  const { templates, root } = load(chart, options);
  return [...templates.keys()]
    .filter((name) => /^[^/]+\/templates\/[^_].*\.yaml$/.test(name))
    .flatMap((name) => parseAllDocuments(execute(templates, name, root, FUNCTIONS)))
    .map((document) => {
      if (document.errors.length > 0) throw document.errors[0];
      return document.toJS() as Tree | null;
    })
    .filter((manifest) => manifest !== null);
}

/** What `helm install` says at the end. */
export function helmNotes(chart: string, options: HelmOptions = {}): string {
  const { templates, root, name } = load(chart, options);
  return execute(templates, `${name}/templates/NOTES.txt`, root, FUNCTIONS);
}

function load(chart: string, { values = [], namespace = "rayflow" }: HelmOptions) {
  const read = (file: string) => readFileSync(path.join(chart, file), "utf8");
  const about = parse(read("Chart.yaml")) as Tree;
  const name = String(about.name);
  const templates: Templates = new Map();
  for (const file of readdirSync(path.join(chart, "templates")).sort()) {
    readTemplates(`${name}/templates/${file}`, read(`templates/${file}`), templates);
  }
  const merged = values.reduce<Tree>(merge, parse(read("values.yaml")) as Tree);
  const root = {
    Values: merged,
    Chart: { Name: name, Version: about.version, AppVersion: about.appVersion },
    Release: { Name: name, Namespace: namespace },
    Template: { BasePath: `${name}/templates` },
    Files: { Get: (file: string) => read(file) },
  };
  return { templates, root, name };
}

function merge(under: Tree, over: Tree): Tree {
  const merged = { ...under };
  for (const [key, value] of Object.entries(over)) {
    const there = merged[key];
    merged[key] = isTree(value) && isTree(there) ? merge(there, value) : value;
  }
  return merged;
}

function isTree(value: unknown): value is Tree {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

const indent = (by: unknown, text: unknown) => String(text).replace(/^/gm, " ".repeat(Number(by)));
const same = (a: unknown, b: unknown) => a === b;

const FUNCTIONS: Functions = {
  add: (...numbers) => numbers.reduce((sum: number, one) => sum + Number(one), 0),
  and: (...args) => args.find((arg) => !truth(arg)) ?? args.at(-1),
  default: (fallback, value) => (truth(value) ? value : fallback),
  eq: same,
  fail: (message) => {
    throw new Error(String(message));
  },
  fromYaml: (text) => parse(String(text)),
  gt: (a, b) => Number(a) > Number(b),
  hasKey: (map, key) => isTree(map) && Object.hasOwn(map, String(key)),
  int: (value) => Math.trunc(Number(value ?? 0)),
  join: (separator, list) => (list as unknown[]).join(String(separator)),
  lt: (a, b) => Number(a) < Number(b),
  max: (...numbers) => Math.max(...numbers.map(Number)),
  ne: (a, b) => !same(a, b),
  nindent: (by, text) => `\n${indent(by, text)}`,
  not: (value) => !truth(value),
  print: (...parts) => parts.join(""),
  printf: (format, ...args) => {
    let at = 0;
    return String(format).replace(/%[sd]/g, () => String(args[at++]));
  },
  quote: (value) => JSON.stringify(String(value ?? "")),
  replace: (from, to, text) => String(text).replaceAll(String(from), String(to)),
  set: (map, key, value) => Object.assign(map as object, { [String(key)]: value }),
  sha256sum: (text) => createHash("sha256").update(String(text)).digest("hex"),
  ternary: (yes, no, condition) => (condition === true ? yes : no),
  toYaml: (value) => stringify(value, { lineWidth: 0 }).trimEnd(),
  until: (count) => Array.from({ length: Number(count) }, (_, at) => at),
};
