/** A Deployment of RayFlow processes, its disruption budget, and its network policy. */
import { labels, type Manifest, selectorLabels } from "./manifest.ts";
import { type PodOptions, podTemplate } from "./pod.ts";

export interface DeploymentOptions extends PodOptions {
  /** Undefined: one at first, and afterwards whatever an autoscaler says. */
  readonly replicas?: number;
}

/** A Deployment that never has fewer replicas than it should while it rolls over. */
export function deployment(options: DeploymentOptions): Manifest {
  const { name, component, replicas } = options;
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name, labels: labels(name, component) },
    spec: {
      ...(replicas === undefined ? {} : { replicas }),
      revisionHistoryLimit: 5,
      strategy: { type: "RollingUpdate", rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } },
      selector: { matchLabels: selectorLabels(name) },
      template: podTemplate(options),
    },
  };
}

/** One at a time: a single replica may still be moved, which `minAvailable: 1` would forbid for ever. */
export function disruptionBudget({ name, component }: Pick<PodOptions, "name" | "component">): Manifest {
  return {
    apiVersion: "policy/v1",
    kind: "PodDisruptionBudget",
    metadata: { name, labels: labels(name, component) },
    spec: {
      maxUnavailable: 1,
      unhealthyPodEvictionPolicy: "AlwaysAllow",
      selector: { matchLabels: selectorLabels(name) },
    },
  };
}
