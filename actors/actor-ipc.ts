/** What an actor process and the manager that started it say to each other over IPC. */
import { z } from "zod";

export const fromActor = z.discriminatedUnion("type", [
  /** It takes work. */
  z.object({ type: z.literal("ready"), types: z.array(z.string()), pid: z.number().int() }),
  /** Its event loop turns. */
  z.object({ type: z.literal("pong"), id: z.number().int() }),
]);
export type FromActor = z.infer<typeof fromActor>;

export const fromManager = z.object({ type: z.literal("ping"), id: z.number().int() });
export type FromManager = z.infer<typeof fromManager>;
