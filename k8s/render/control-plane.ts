/** What runs beside the actors: orchestrators, gateway, and the Job that sets the streams up. */
import type { ClusterSettings } from "./cluster-settings.ts";
import { labels, type Manifest, selectorLabels } from "./manifest.ts";
import { clientPolicy, namespacePeer, tcp } from "./network-policy.ts";
import { METRICS_PORT, podTemplate } from "./pod.ts";
import { deployment, disruptionBudget } from "./workload.ts";

export const GATEWAY_PORT = 8000;
/** A Job cannot be changed: it goes by itself, so that a later `kubectl apply` makes a new one. */
const JOB_TTL_S = 600;

export function orchestrator(settings: ClusterSettings): Manifest[] {
  const id = { name: "orchestrator", component: "orchestrator" } as const;
  return [
    deployment({
      ...id,
      image: settings.image,
      args: ["orchestrator"],
      replicas: 1,
      ports: [{ name: "metrics", containerPort: METRICS_PORT }],
      probes: "metrics",
      graceSeconds: 60,
      resources: { cpu: "500m", memory: "1Gi" },
    }),
    disruptionBudget(id),
    clientPolicy(settings, id),
  ];
}

export function gateway(settings: ClusterSettings): Manifest[] {
  const id = { name: "gateway", component: "gateway" } as const;
  return [
    deployment({
      ...id,
      image: settings.image,
      args: ["gateway", "--host", "0.0.0.0", "--port", String(GATEWAY_PORT)],
      replicas: 1,
      // The metrics also on a port of their own: on that of the API they need the token.
      ports: [
        { name: "http", containerPort: GATEWAY_PORT },
        { name: "metrics", containerPort: METRICS_PORT },
      ],
      probes: "http",
      // RAYFLOW_TOKEN: what callers of the HTTP API must send.
      envFrom: [{ secretRef: { name: "rayflow-gateway", optional: true } }],
      preStopSeconds: 5,
      graceSeconds: 60,
      resources: { cpu: "250m", memory: "512Mi" },
    }),
    {
      apiVersion: "v1",
      kind: "Service",
      metadata: { name: id.name, labels: labels(id.name, id.component) },
      spec: {
        type: "ClusterIP",
        selector: selectorLabels(id.name),
        ports: [
          { name: "http", port: 80, targetPort: "http", protocol: "TCP" },
          { name: "metrics", port: METRICS_PORT, targetPort: "metrics", protocol: "TCP" },
        ],
      },
    },
    disruptionBudget(id),
    clientPolicy(settings, {
      ...id,
      ingress: [
        {
          from: [namespacePeer(settings.ingressNamespace)],
          ports: tcp(GATEWAY_PORT),
        },
      ],
    }),
  ];
}

/** A Job that runs one `rayflow` command to its end, and may do so again. */
export function job(
  settings: ClusterSettings,
  name: string,
  args: readonly string[],
  natsUser = "orchestrator",
): Manifest[] {
  const id = { name, component: "setup" } as const;
  return [
    {
      apiVersion: "batch/v1",
      kind: "Job",
      metadata: { name, labels: labels(name, id.component) },
      spec: {
        backoffLimit: 20,
        activeDeadlineSeconds: 900,
        ttlSecondsAfterFinished: JOB_TTL_S,
        template: podTemplate({
          ...id,
          image: settings.image,
          args,
          // It makes streams and durables, which is the orchestrator's right.
          natsUser,
          restartPolicy: "OnFailure",
          graceSeconds: 30,
          resources: { cpu: "100m", memory: "256Mi" },
        }),
      },
    },
    clientPolicy(settings, id),
  ];
}

/** Makes streams, buckets and durables: those of the types that are named, or of all that the image has. */
export function setupJob(settings: ClusterSettings, name = "rayflow-setup", types?: readonly string[]): Manifest[] {
  return job(settings, name, ["nats", "setup", ...(types === undefined ? [] : ["--types", types.join(",")])]);
}

export function namespaceManifests(settings: ClusterSettings): Manifest[] {
  const level = { enforce: "restricted", audit: "restricted", warn: "restricted" };
  return [
    {
      apiVersion: "v1",
      kind: "Namespace",
      metadata: {
        name: settings.namespace,
        labels: Object.fromEntries(
          Object.entries(level).map(([mode, value]) => [`pod-security.kubernetes.io/${mode}`, value]),
        ),
      },
    },
    {
      apiVersion: "v1",
      kind: "ServiceAccount",
      metadata: { name: "rayflow", labels: { "app.kubernetes.io/part-of": "rayflow" } },
      automountServiceAccountToken: false,
    },
  ];
}
