/** What node code may do with variables; `VariableStore` does it over KV, tests do it over a Map. */

/** Who shares a variable: the activations of one run, the runs of one flow, or everybody. */
export type VariableScope = "run" | "flow" | "global";

/** The variables that a node's code can reach; each call names its scope. */
export interface Variables {
  /** Undefined when it is not set; `null` is a value. */
  get(scope: VariableScope, name: string): Promise<{ value: unknown } | undefined>;
  set(scope: VariableScope, name: string, value: unknown): Promise<void>;
  /** Adds once for this activation, however often it is delivered; gives the value after. */
  increment(scope: VariableScope, name: string, by: number): Promise<number>;
  exists(scope: VariableScope, name: string): Promise<boolean>;
  /** Whether there was one. */
  delete(scope: VariableScope, name: string): Promise<boolean>;
  list(scope: VariableScope): Promise<Record<string, unknown>>;
}
