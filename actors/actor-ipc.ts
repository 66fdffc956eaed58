/** What an actor process and the manager that started it say to each other over IPC. */
import { z } from "zod";
import { METRICS, type MetricName } from "../telemetry/index.ts";

const series = { name: z.enum(Object.keys(METRICS) as MetricName[]), labels: z.array(z.string()).readonly() };
const sample = z.union([
  z.object({ ...series, value: z.number() }),
  z.object({ ...series, counts: z.array(z.number()).readonly(), sum: z.number() }),
]);

export const fromActor = z.discriminatedUnion("type", [
  /** It takes work. */
  z.object({ type: z.literal("ready"), types: z.array(z.string()), pid: z.number().int() }),
  /** Its event loop turns. */
  z.object({ type: z.literal("pong"), id: z.number().int() }),
  /** What it has counted. */
  z.object({ type: z.literal("metrics"), id: z.number().int(), samples: z.array(sample).readonly() }),
]);
export type FromActor = z.infer<typeof fromActor>;

export const fromManager = z.object({ type: z.enum(["ping", "metrics"]), id: z.number().int() });
export type FromManager = z.infer<typeof fromManager>;
