/** Finds node types by what a person types: best first. */
import type { NodeType } from "../../../flow/index.ts";

/** How well a type fits the words; undefined when one of them is not in it at all. Higher is better. */
export function rank(type: NodeType, query: string): number | undefined {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  const title = type.title.toLowerCase();
  const name = type.type.toLowerCase();
  let total = 0;
  for (const word of words) {
    const score = scoreOf(word, title, name, type);
    if (score === 0) return undefined;
    total += score;
  }
  return total;
}

function scoreOf(word: string, title: string, name: string, type: NodeType): number {
  if (title === word) return 100;
  if (title.startsWith(word)) return 80;
  if (title.split(/\W+/).some((part) => part.startsWith(word))) return 60;
  if (name.split("_").some((part) => part.startsWith(word))) return 50;
  if (title.includes(word) || name.includes(word)) return 30;
  if (type.category.toLowerCase().startsWith(word)) return 20;
  if (type.description.toLowerCase().includes(word)) return 10;
  return isSubsequence(word, title) ? 5 : 0;
}

function isSubsequence(word: string, text: string): boolean {
  let at = 0;
  for (const letter of text) if (letter === word[at]) at++;
  return word.length >= 3 && at === word.length;
}

export function searchTypes(types: Iterable<NodeType>, query: string): NodeType[] {
  return [...types]
    .flatMap((type) => {
      const score = rank(type, query);
      return score === undefined ? [] : [{ type, score }];
    })
    .sort((a, b) => b.score - a.score || a.type.title.localeCompare(b.type.title))
    .map(({ type }) => type);
}

export interface Category {
  readonly name: string;
  readonly types: readonly NodeType[];
}

/** Those that every flow begins with come first, the rest by name. */
const FIRST = ["base", "control", "logic", "math", "string", "data", "variables", "io"];

export function categoriesOf(types: Iterable<NodeType>): Category[] {
  const byName = new Map<string, NodeType[]>();
  for (const type of types) byName.set(type.category, [...(byName.get(type.category) ?? []), type]);
  const order = (name: string) => (FIRST.indexOf(name) + 1 || FIRST.length + 1) - 1;
  return [...byName]
    .map(([name, list]) => ({ name, types: list.sort((a, b) => a.title.localeCompare(b.title)) }))
    .sort((a, b) => order(a.name) - order(b.name) || a.name.localeCompare(b.name));
}
