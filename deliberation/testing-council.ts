/** A server with an orchestrator, an actor and a model stand-in, for tests of deliberations. */
import type { NatsConnection } from "@nats-io/transport-node";
import { pino } from "pino";
import { type Actor, loadNodes, type ModelSettings, startActor } from "../actors/index.ts";
import type { ModelEndpoint } from "../actors/sdk.ts";
import { type RunRequest, type SubmittedRun, submitRun } from "../gateway/index.ts";
import { withServer } from "../nats/testing.ts";
import { type Orchestrator, startOrchestrator } from "../orchestrator/index.ts";
import { createMetrics } from "../telemetry/index.ts";
import { buildDeliberation, type DeliberationRequest } from "./deliberation-flow.ts";
import { type ModelStandIn, startModelStandIn } from "./model-stand-in.ts";

/** How soon the work of a lost actor goes to another one. */
const ACK_WAIT_MS = 3_000;

export function withCouncil() {
  const nats = withServer();
  const actors: Actor[] = [];
  const standIns: ModelStandIn[] = [];
  const metrics = createMetrics({ service: "actor" });
  let orchestrator: Orchestrator | undefined;
  const startStandIn = async (): Promise<ModelStandIn> => {
    const made = await startModelStandIn();
    standIns.push(made);
    return made;
  };
  return {
    nats,
    metrics,
    start: async (): Promise<void> => {
      await nats.start();
      orchestrator = await startOrchestrator({ nc: await nats.connect("orchestrator") });
    },
    stop: async (): Promise<void> => {
      await Promise.all(actors.splice(0).map((one) => one.stop({ drainMs: 0 })));
      await orchestrator?.stop();
      await Promise.all(standIns.splice(0).map((one) => one.close()));
      await nats.stop();
    },
    startStandIn,
    /** Actors in the place of those before; one whose connection is closed is gone, as far as others know. */
    serve: async (
      endpoints: readonly ModelEndpoint[],
      more: { tenants?: ModelSettings["tenants"]; replicas?: number; allowPrivateAddresses?: boolean } = {},
    ): Promise<NatsConnection[]> => {
      const connections: NatsConnection[] = [];
      await Promise.all(actors.splice(0).map((one) => one.stop({ drainMs: 0 })));
      const { nodes } = await loadNodes();
      for (let at = 0; at < (more.replicas ?? 1); at++) {
        const models = { endpoints, defaultModel: "stand-in", tenants: more.tenants ?? {} };
        const { allowPrivateAddresses } = more;
        const nc = await nats.connect("actor");
        connections.push(nc);
        actors.push(
          await startActor({
            nc,
            nodes,
            models,
            allowPrivateAddresses,
            metrics,
            ackWaitMs: ACK_WAIT_MS,
            secrets: { environment: { VLLM: "sk-secret-of-test" } },
            logger: pino({ level: "silent" }),
          }),
        );
      }
      return connections;
    },
    submit: (request: RunRequest, msgId?: string): Promise<SubmittedRun> =>
      submitRun(nats.nc, request, { timeoutMs: 50_000, ...(msgId === undefined ? {} : { msgId }) }),
    deliberate: (request: DeliberationRequest): Promise<SubmittedRun> => {
      const { flow, inputs, options } = buildDeliberation(request);
      return submitRun(nats.nc, { flow, inputs }, { timeoutMs: 50_000, ...options });
    },
  };
}
