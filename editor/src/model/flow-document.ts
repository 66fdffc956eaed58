/**
 * What the editor edits: a flow file in parts. Immutable; every edit is a function from one document to the next, so
 * that undo keeps documents and a node that did not change stays the same object.
 *
 * D1. Node ids and edge ids are unique.
 * D2. What the file says that the editor does not know is kept in `rest` and written out again.
 * D3. An edge of a file may name a node that is not there. It is kept and reported, not drawn.
 */
import type { JsonObject } from "./json.ts";

export interface Point {
  readonly x: number;
  readonly y: number;
}

export interface DocNode {
  readonly id: string;
  /** Canonical: `math_add`. */
  readonly type: string;
  readonly position: Point;
  readonly label?: string;
  readonly config: JsonObject;
  readonly constants: JsonObject;
  /** As written: without defaults, perhaps wrong. */
  readonly policy?: JsonObject;
  readonly rest?: JsonObject;
  readonly restData?: JsonObject;
}

export interface DocEdge {
  readonly id: string;
  readonly source: string;
  /** `exec-out`, `exec-<pin>`, `output-<name>`. */
  readonly sourceHandle: string;
  readonly target: string;
  /** `exec-in`, `input-<name>`. */
  readonly targetHandle: string;
  readonly rest?: JsonObject;
}

export interface FlowDocument {
  readonly name: string;
  readonly version?: string;
  readonly description?: string;
  /** First values of the run's variables. */
  readonly variables: JsonObject;
  readonly error_strategy?: string;
  readonly drain?: string;
  readonly nodes: readonly DocNode[];
  readonly edges: readonly DocEdge[];
  /** Of the file, its metadata, and the object that holds the nodes. */
  readonly rest?: JsonObject;
  readonly restMetadata?: JsonObject;
  readonly restGraph?: JsonObject;
}

export function emptyDocument(name: string): FlowDocument {
  return { name, variables: {}, nodes: [], edges: [] };
}

/** `base`, or with the first number behind it that makes it free. */
export function freeName(base: string, isTaken: (name: string) => boolean): string {
  if (!isTaken(base)) return base;
  const stem = base.replace(/_\d+$/, "");
  for (let count = 2; ; count++) {
    const name = `${stem.slice(0, 58)}_${count}`;
    if (!isTaken(name)) return name;
  }
}
