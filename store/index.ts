export type { VariableScope, Variables } from "./variables.ts";
