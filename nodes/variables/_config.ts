import { z } from "../../actors/sdk.ts";

/** Whose variables these are. */
export const scope = z
  .enum(["run", "flow", "global"])
  .default("run")
  .describe("run: this run's own; flow: shared by all runs of the flow; global: shared by all.");

/** The config of a node that works on one variable. */
export const oneVariable = { variable_name: z.string().min(1), scope };
