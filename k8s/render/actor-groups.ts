/** Which node types share a Deployment, and what it is called. Pure, and the same for the same types. */
import { createHash } from "node:crypto";
import type { NodeType } from "../../flow/index.ts";

export type GroupBy = "type" | "category";

export interface ActorGroup {
  /** Name of its Deployment, its ScaledObject, and so on. */
  readonly name: string;
  /** Sorted. */
  readonly types: readonly string[];
  /** Whether its code calls out of the cluster. */
  readonly internet: boolean;
  /** Whether its code asks models. */
  readonly models: boolean;
}

/** KEDA's own autoscaler is called `keda-hpa-<name>`, and a name has 63 characters at most. */
const MAX_NAME = 54;
/** Built-in types that call whatever address a flow gives them. */
const CALLS_OUT = new Set(["io_http_request"]);

const asksModels = (type: string): boolean => type.startsWith("ai_");

/** The groups of the types that actors run, sorted by name. Types that are moves of the run machine need no actor. */
export function actorGroups(
  types: Iterable<Pick<NodeType, "type" | "category" | "kind">>,
  groupBy: GroupBy,
  internet: ReadonlySet<string> = new Set(),
): ActorGroup[] {
  const groups = new Map<string, string[]>();
  for (const { type, category, kind } of types) {
    if (kind !== "actor") continue;
    const name = groupName(groupBy === "type" ? type : category);
    groups.set(name, [...(groups.get(name) ?? []), type]);
  }
  return [...groups]
    .map(([name, members]) => ({
      name,
      types: [...new Set(members)].sort(),
      internet: members.some((type) => CALLS_OUT.has(type) || asksModels(type) || internet.has(type)),
      models: members.some(asksModels),
    }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** `math` → `actor-math`. What does not fit in a name gets a hash, so that two never share one. */
function groupName(text: string): string {
  const plain = `actor-${text.toLowerCase().replace(/[^a-z0-9]+/g, "-")}`.replace(/-+$/, "");
  const readable = /^[a-z0-9]+(?:_[a-z0-9]+)*$/.test(text);
  if (readable && plain.length <= MAX_NAME) return plain;
  const hash = createHash("sha256").update(text).digest("hex").slice(0, 8);
  return `${plain.slice(0, MAX_NAME - 9).replace(/-+$/, "")}-${hash}`;
}
