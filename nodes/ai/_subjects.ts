/** `<prefix>.<task>`: what of a task's id is not fit for a subject is encoded, as RayFlow does everywhere. */
import { safeToken } from "../../actors/sdk.ts";

export function subjectOf(prefix: "agent.results" | "vllm.streaming", taskId: string): string {
  return `${prefix}.${safeToken(taskId)}`;
}
