/** Go's text/template, as much of it as the chart uses: read into a tree, and executed. What it does not know it refuses. */

type Node =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "action"; readonly pipeline: Pipeline }
  | { readonly kind: "if" | "with"; readonly pipeline: Pipeline; readonly body: Node[]; readonly otherwise: Node[] }
  | { readonly kind: "range"; readonly pipeline: Pipeline; readonly body: Node[]; readonly otherwise: Node[] };
interface Pipeline {
  readonly assign: readonly string[];
  readonly declare: boolean;
  readonly commands: readonly (readonly Operand[])[];
}
type Operand =
  | { readonly kind: "literal"; readonly value: string | number | boolean }
  | { readonly kind: "path"; readonly root: string; readonly fields: readonly string[] }
  | { readonly kind: "function"; readonly name: string }
  | { readonly kind: "pipeline"; readonly pipeline: Pipeline };

export type Functions = Readonly<Record<string, (...args: unknown[]) => unknown>>;
export type Templates = Map<string, Node[]>;

/** Reads a file: it is a template under its own name, and what it defines are others. */
export function readTemplates(name: string, source: string, templates: Templates): void {
  const parts = source.split(/(\{\{-?\s*(?:\/\*[\s\S]*?\*\/|(?:"(?:\\.|[^"\\])*"|`[^`]*`|[^"`])*?)\s*-?\}\})/);
  const tokens: { text?: string; action?: string }[] = [];
  parts.forEach((part, at) => {
    if (at % 2 === 1) {
      tokens.push({ action: part.replace(/^\{\{-?\s*|\s*-?\}\}$/g, "") });
      return;
    }
    let text = part;
    if (parts[at - 1]?.endsWith("-}}")) text = text.trimStart();
    if (parts[at + 1]?.startsWith("{{-")) text = text.trimEnd();
    tokens.push({ text });
  });
  let at = 0;
  const block = (): { nodes: Node[]; end: string } => {
    const nodes: Node[] = [];
    for (; at < tokens.length; ) {
      const { text, action } = tokens[at++] ?? {};
      if (action === undefined) {
        if (text) nodes.push({ kind: "text", text });
        continue;
      }
      const [word = "", rest = ""] = /^(\S+)\s*([\s\S]*)$/.exec(action)?.slice(1) ?? [];
      if (word.startsWith("/*")) continue;
      if (word === "end" || word === "else") return { nodes, end: action };
      if (word === "define") {
        const defined = block();
        templates.set(JSON.parse(rest), defined.nodes);
      } else if (word === "if" || word === "with" || word === "range") nodes.push(branch(word, rest));
      else nodes.push({ kind: "action", pipeline: readPipeline(action) });
    }
    return { nodes, end: "" };
  };
  const branch = (kind: "if" | "with" | "range", condition: string): Node => {
    const body = block();
    let otherwise: Node[] = [];
    const elseIf = /^else\s+if\s+([\s\S]+)$/.exec(body.end)?.[1];
    if (elseIf !== undefined) otherwise = [branch("if", elseIf)];
    else if (body.end === "else") otherwise = block().nodes;
    return { kind, pipeline: readPipeline(condition), body: body.nodes, otherwise };
  };
  templates.set(name, block().nodes);
  if (at < tokens.length) throw new Error(`${name}: an end too many`);
}

function readPipeline(text: string): Pipeline {
  const tokens = text.match(/"(?:\\.|[^"\\])*"|`[^`]*`|:=|[|(),=]|[^\s|(),="`]+/g) ?? [];
  let at = 0;
  const pipeline = (): Pipeline => {
    const head = /^(\$\w+(?:,\$\w+)?)(:?=)$/.exec(tokens.slice(at, at + 4).join(""));
    const shorter = head ?? /^(\$\w+)(:?=)/.exec(tokens.slice(at, at + 2).join(""));
    const assign = shorter?.[1]?.split(",") ?? [];
    if (shorter !== null) at += assign.length * 2;
    const commands: Operand[][] = [[]];
    for (; at < tokens.length && tokens[at] !== ")"; at++) {
      const token = tokens[at] ?? "";
      if (token === "|") commands.push([]);
      else if (token === "(") {
        at++;
        commands.at(-1)?.push({ kind: "pipeline", pipeline: pipeline() });
      } else commands.at(-1)?.push(readOperand(token));
    }
    return { assign, declare: shorter?.[2] === ":=", commands };
  };
  return pipeline();
}

function readOperand(token: string): Operand {
  if (token.startsWith('"')) return { kind: "literal", value: JSON.parse(token) };
  if (token.startsWith("`")) return { kind: "literal", value: token.slice(1, -1) };
  if (/^-?\d+$/.test(token)) return { kind: "literal", value: Number(token) };
  if (token === "true" || token === "false") return { kind: "literal", value: token === "true" };
  const [root = "", ...fields] = token.split(".");
  if (root === "" || root.startsWith("$"))
    return { kind: "path", root, fields: fields.filter((field) => field !== "") };
  if (fields.length === 0 && /^\w+$/.test(root)) return { kind: "function", name: root };
  throw new Error(`this renderer does not know ${token}`);
}

class Scope {
  readonly #variables = new Map<string, unknown>();
  readonly #outer: Scope | undefined;
  constructor(outer?: Scope) {
    this.#outer = outer;
  }
  get(name: string): unknown {
    if (this.#variables.has(name)) return this.#variables.get(name);
    if (this.#outer === undefined) throw new Error(`there is no variable ${name}`);
    return this.#outer.get(name);
  }
  declare(name: string, value: unknown): void {
    this.#variables.set(name, value);
  }
  assign(name: string, value: unknown): void {
    if (this.#variables.has(name)) this.#variables.set(name, value);
    else if (this.#outer === undefined) throw new Error(`there is no variable ${name}`);
    else this.#outer.assign(name, value);
  }
}

/** Executes the template of that name on `data`. `include` is among the functions that it knows. */
export function execute(templates: Templates, name: string, data: unknown, functions: Functions): string {
  const nodes = templates.get(name);
  if (nodes === undefined) throw new Error(`there is no template ${name}`);
  const all: Functions = { ...functions, include: (wanted, dot) => execute(templates, String(wanted), dot, functions) };
  const scope = new Scope();
  scope.declare("$", data);
  return run(nodes, data, scope, all);
}

function run(nodes: readonly Node[], dot: unknown, scope: Scope, functions: Functions): string {
  return nodes.map((node) => runNode(node, dot, scope, functions)).join("");
}

function runNode(node: Node, dot: unknown, scope: Scope, functions: Functions): string {
  if (node.kind === "text") return node.text;
  const inner = new Scope(scope);
  if (node.kind === "action") {
    const value = evaluate(node.pipeline, dot, scope, functions);
    return node.pipeline.assign.length > 0 || value === undefined || value === null ? "" : String(value);
  }
  if (node.kind === "range") return runRange(node, dot, scope, functions);
  const value = evaluate(node.pipeline, dot, inner, functions);
  if (!truth(value)) return run(node.otherwise, dot, inner, functions);
  return run(node.body, node.kind === "with" ? value : dot, inner, functions);
}

function runRange(node: Node & { kind: "range" }, dot: unknown, scope: Scope, functions: Functions): string {
  const { assign, commands } = node.pipeline;
  const list = evaluate({ assign: [], declare: false, commands }, dot, scope, functions) ?? [];
  const isList = Array.isArray(list);
  const entries = isList ? [...list.entries()] : Object.entries(list as object).sort(([a], [b]) => (a < b ? -1 : 1));
  if (entries.length === 0) return run(node.otherwise, dot, new Scope(scope), functions);
  return entries
    .map(([key, value]) => {
      const inner = new Scope(scope);
      if (assign.length === 2) inner.declare(assign[0] ?? "", key);
      if (assign.length > 0) inner.declare(assign.at(-1) ?? "", value);
      return run(node.body, value, inner, functions);
    })
    .join("");
}

function evaluate(pipeline: Pipeline, dot: unknown, scope: Scope, functions: Functions): unknown {
  let value: unknown;
  pipeline.commands.forEach((command, at) => {
    const [first, ...rest] = command;
    if (first === undefined) throw new Error("an empty command");
    const args = rest.map((operand) => operandValue(operand, dot, scope, functions));
    if (at > 0) args.push(value);
    const head = operandValue(first, dot, scope, functions);
    if (typeof head === "function") value = head(...args);
    else if (args.length === 0) value = head;
    else throw new Error("arguments for what is no function");
  });
  for (const name of pipeline.assign) {
    if (pipeline.declare) scope.declare(name, value);
    else scope.assign(name, value);
  }
  return value;
}

function operandValue(operand: Operand, dot: unknown, scope: Scope, functions: Functions): unknown {
  if (operand.kind === "literal") return operand.value;
  if (operand.kind === "pipeline") return evaluate(operand.pipeline, dot, scope, functions);
  if (operand.kind === "function") {
    const found = functions[operand.name];
    if (found === undefined) throw new Error(`this renderer does not know the function ${operand.name}`);
    return found;
  }
  const root = operand.root === "" ? dot : scope.get(operand.root);
  return operand.fields.reduce<unknown>((value, field) => {
    if (typeof value !== "object" || value === null) throw new Error(`nothing to ask for .${field}`);
    return (value as Record<string, unknown>)[field];
  }, root);
}

/** What `if` takes for true: not what is empty. */
export function truth(value: unknown): boolean {
  if (Array.isArray(value)) return value.length > 0;
  if (typeof value === "object" && value !== null) return Object.keys(value).length > 0;
  return Boolean(value);
}
