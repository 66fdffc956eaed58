import { ID_PATTERN } from "../../../flow/index.ts";
import type { DocNode } from "../model/flow-document.ts";

/** Why a node cannot have this id; undefined when it can. */
export function nodeIdProblem(id: string, nodes: readonly DocNode[], own: string): string | undefined {
  if (!ID_PATTERN.test(id)) return 'An id is 1 to 64 letters, digits, "_" and "-"';
  return id !== own && nodes.some((node) => node.id === id) ? "Another node has this id" : undefined;
}
