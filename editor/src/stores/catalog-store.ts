/** The node types that the server knows, the user's own among them. */
import { create } from "zustand";
import type { NodeType, NodeTypes } from "../../../flow/index.ts";
import { sameJson } from "../model/json.ts";
import { api } from "./gateway.ts";

interface CatalogState {
  readonly types: NodeTypes;
  readonly status: "loading" | "ready" | "failed";
  /** Why the last attempt failed. */
  readonly problem: string | undefined;
  /** Asks the server again; the types stay as they are while it is asked, and when it does not answer. */
  load(): Promise<void>;
}

export const useCatalog = create<CatalogState>()((set, get) => ({
  types: new Map(),
  status: "loading",
  problem: undefined,
  load: async () => {
    try {
      const { nodes } = await api.nodes();
      set({ types: withKept(get().types, nodes), status: "ready", problem: undefined });
    } catch (error) {
      const problem = error instanceof Error ? error.message : String(error);
      set({ problem, status: get().types.size > 0 ? "ready" : "failed" });
    }
  },
}));

/** What did not change stays the same object, and all of it when nothing changed: views hang on it. */
function withKept(before: NodeTypes, now: readonly NodeType[]): NodeTypes {
  const types = new Map(
    now.map((type) => {
      const known = before.get(type.type);
      return [type.type, known !== undefined && sameJson(known, type) ? known : type];
    }),
  );
  const isSame = types.size === before.size && [...types].every(([name, type]) => before.get(name) === type);
  return isSame ? before : types;
}
