/**
 * How many actors a group has: by the lag of its queues with KEDA, down to none, or by CPU without KEDA.
 *
 * The lag that KEDA reads is what waits plus what is delivered and not acked: an actor in the middle of its work counts,
 * so the last one is not taken away from under it. A durable that is missing makes KEDA take the stream's last sequence
 * for the lag: the group is started, and its first actor makes the durable.
 */
import { nodeConsumerName, STREAMS } from "../../nats/index.ts";
import type { ActorGroup } from "./actor-groups.ts";
import type { ClusterSettings } from "./cluster-settings.ts";
import { labels, type Manifest } from "./manifest.ts";

export interface ScaleOptions {
  /** Default 0 with KEDA, 1 without. */
  readonly minReplicas?: number | undefined;
  /** Default 10. */
  readonly maxReplicas?: number | undefined;
  /** How many messages one actor may have waiting before there is another one. Default 20. */
  readonly lagThreshold?: number | undefined;
}

/** Up at once, down slowly: a queue that is empty now is often not empty in a minute. */
const BEHAVIOR = {
  scaleUp: { stabilizationWindowSeconds: 0, policies: [{ type: "Percent", value: 100, periodSeconds: 15 }] },
  scaleDown: { stabilizationWindowSeconds: 120, policies: [{ type: "Percent", value: 50, periodSeconds: 60 }] },
} as const;

/** One ScaledObject for the group's Deployment, with a trigger for each type; the one that asks for most decides. */
export function scaledObject(group: ActorGroup, settings: ClusterSettings, options: ScaleOptions = {}): Manifest {
  const { name } = group;
  return {
    apiVersion: "keda.sh/v1alpha1",
    kind: "ScaledObject",
    metadata: { name, labels: labels(name, "actor") },
    spec: {
      scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name },
      pollingInterval: 5,
      cooldownPeriod: 300,
      // The first actor after an installation makes its durables before it goes.
      initialCooldownPeriod: 120,
      minReplicaCount: options.minReplicas ?? 0,
      maxReplicaCount: options.maxReplicas ?? Math.max(10, options.minReplicas ?? 0),
      // While nobody can say how long the queues are, what runs goes on, and what does not run gets one.
      fallback: { failureThreshold: 3, replicas: 1, behavior: "currentReplicasIfHigher" },
      advanced: { horizontalPodAutoscalerConfig: { behavior: BEHAVIOR } },
      triggers: group.types.map((type) => ({
        type: "nats-jetstream",
        name: `lag-${type.replaceAll("_", "-")}`,
        metricType: "AverageValue",
        metadata: {
          natsServerMonitoringEndpoint: settings.natsMonitoring,
          account: settings.natsAccount,
          stream: STREAMS.nodes,
          consumer: nodeConsumerName(type),
          lagThreshold: String(options.lagThreshold ?? 20),
          activationLagThreshold: "0",
        },
      })),
    },
  };
}

/** The same Deployment by CPU: for clusters without KEDA. It has one actor at least, for nothing would wake it. */
export function cpuAutoscaler(group: ActorGroup, options: ScaleOptions = {}): Manifest {
  const { name } = group;
  const minReplicas = Math.max(1, options.minReplicas ?? 1);
  return {
    apiVersion: "autoscaling/v2",
    kind: "HorizontalPodAutoscaler",
    metadata: { name, labels: labels(name, "actor") },
    spec: {
      scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name },
      minReplicas,
      maxReplicas: Math.max(minReplicas, options.maxReplicas ?? 10),
      behavior: BEHAVIOR,
      metrics: [
        { type: "Resource", resource: { name: "cpu", target: { type: "Utilization", averageUtilization: 70 } } },
      ],
    },
  };
}
