/** One Kubernetes object, and the labels that all of RayFlow's carry. */

export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly [key: string]: unknown;
}

/** What a pod is for. Network policies let in and out by it. */
export type Component =
  | "actor"
  | "context"
  | "executor"
  | "gateway"
  | "jaeger"
  | "monitoring"
  | "nats"
  | "orchestrator"
  | "otel-collector"
  | "setup";

/** Those that talk to NATS as clients. */
export const NATS_CLIENTS: readonly Component[] = [
  "actor",
  "context",
  "executor",
  "gateway",
  "monitoring",
  "orchestrator",
  "setup",
];

const PART_OF = { "app.kubernetes.io/part-of": "rayflow" };

/** What selects the pods of one workload, for ever: a Deployment's selector cannot be changed. */
export function selectorLabels(name: string): Record<string, string> {
  return { "app.kubernetes.io/name": name, ...PART_OF };
}

export function labels(name: string, component: Component): Record<string, string> {
  return { ...selectorLabels(name), "app.kubernetes.io/component": component };
}

/** Selects the pods of several components. */
export function componentSelector(components: readonly Component[]) {
  return {
    matchLabels: PART_OF,
    matchExpressions: [{ key: "app.kubernetes.io/component", operator: "In", values: [...components].sort() }],
  };
}

/** What must be there first comes first: a set-up Job before what scales on the queues that it makes. */
const KIND_ORDER = [
  "Namespace",
  "ServiceAccount",
  "NetworkPolicy",
  "ConfigMap",
  "Secret",
  "Service",
  "PodDisruptionBudget",
  "StatefulSet",
  "Job",
  "Deployment",
  "HorizontalPodAutoscaler",
  "ScaledObject",
  "PodMonitor",
  "ServiceMonitor",
  "PrometheusRule",
];

/** In the order to apply them in, then by name: the same objects always print the same. */
export function sortManifests(manifests: readonly Manifest[]): Manifest[] {
  const rank = ({ kind }: Manifest) => {
    const at = KIND_ORDER.indexOf(kind);
    return at === -1 ? KIND_ORDER.length : at;
  };
  return [...manifests].sort(
    (a, b) => rank(a) - rank(b) || compare(a.kind, b.kind) || compare(a.metadata.name, b.metadata.name),
  );
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** The same objects, each in that namespace. */
export function inNamespace(manifests: readonly Manifest[], namespace: string): Manifest[] {
  return manifests.map((manifest) => {
    const { name, ...metadata } = manifest.metadata;
    return { ...manifest, metadata: { name, namespace, ...metadata } };
  });
}
