/** What a request to run something asks for, checked before anything is submitted. */
import { checkFlow, RayflowError } from "../../flow/index.ts";
import { submission } from "../../nats/index.ts";
import type { GatewayParts } from "../gateway-parts.ts";
import type { RunRequest } from "../run-client.ts";

/**
 * The run that a body asks for. A flow that nobody would take is refused here, so that an idempotency key is not spent on
 * it; a deployed one is pinned to its version, which an orchestrator runs although it has not heard of it yet.
 * @throws ValidationError, InvalidFlow (details: errors, warnings), FlowNotFound
 */
export async function runRequestOf(
  body: unknown,
  { types, flows }: Pick<GatewayParts, "types" | "flows">,
): Promise<RunRequest> {
  const parsed = submission.safeParse(body);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    const where = ["body", ...(issue?.path ?? [])].join(".");
    throw new RayflowError("ValidationError", `${where}: ${issue?.message ?? "no submission"}`);
  }
  const { flow, flowRef, rerun, inputs, options } = parsed.data;
  if (rerun !== undefined) return { rerun, inputs, options };
  if (flowRef !== undefined) return { flowRef: await flows.pin(flowRef), inputs, options };
  const { valid, errors, warnings } = checkFlow(flow, types);
  if (valid) return { flow, inputs, options };
  const count = `${errors.length} error${errors.length === 1 ? "" : "s"}`;
  throw new RayflowError("InvalidFlow", `the flow has ${count}: ${errors[0]?.message ?? ""}`, {
    details: { errors, warnings },
  });
}
