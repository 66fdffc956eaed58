/** The services of deliberations: the executor (gRPC), the context service, and the Job that makes their streams. */
import type { ClusterSettings } from "./cluster-settings.ts";
import { job } from "./control-plane.ts";
import { labels, type Manifest, selectorLabels } from "./manifest.ts";
import { clientPolicy, INTERNET, namespacePeer, tcp } from "./network-policy.ts";
import { METRICS_PORT } from "./pod.ts";
import { deployment, disruptionBudget } from "./workload.ts";

export const GRPC_PORT = 50056;
export const MONITORING_PORT = 8080;
/** Neo4j's Bolt and ValKey, in whatever namespace they are. */
const NEO4J_PORT = 7687;
const VALKEY_PORT = 6379;

export function deliberation(settings: ClusterSettings): Manifest[] {
  const executor = { name: "executor", component: "executor" } as const;
  const context = { name: "context", component: "context" } as const;
  const shared = {
    image: settings.image,
    replicas: 1,
    graceSeconds: 60,
    resources: { cpu: "100m", memory: "384Mi" },
    // VLLM_URL, VLLM_MODEL, and where Neo4j and ValKey are.
    envFrom: [{ configMapRef: { name: "deliberation-env" } }, { secretRef: { name: "deliberation", optional: true } }],
  };
  const metrics = { name: "metrics", containerPort: METRICS_PORT };
  return [
    deployment({
      ...executor,
      ...shared,
      args: ["executor"],
      env: [{ name: "GRPC_PORT", value: String(GRPC_PORT) }],
      ports: [
        { name: "grpc", containerPort: GRPC_PORT },
        { name: "monitoring", containerPort: MONITORING_PORT },
        metrics,
      ],
      probes: "metrics",
      preStopSeconds: 5,
    }),
    {
      apiVersion: "v1",
      kind: "Service",
      metadata: { name: executor.name, labels: labels(executor.name, executor.component) },
      spec: {
        type: "ClusterIP",
        selector: selectorLabels(executor.name),
        ports: [
          { name: "grpc", port: GRPC_PORT, targetPort: "grpc", protocol: "TCP", appProtocol: "kubernetes.io/h2c" },
          { name: "monitoring", port: MONITORING_PORT, targetPort: "monitoring", protocol: "TCP" },
        ],
      },
    },
    disruptionBudget(executor),
    clientPolicy(settings, {
      ...executor,
      ingress: [{ from: [namespacePeer(settings.ingressNamespace)], ports: tcp(GRPC_PORT, MONITORING_PORT) }],
      egress: [INTERNET],
    }),
    deployment({ ...context, ...shared, args: ["context"], ports: [metrics], probes: "metrics" }),
    disruptionBudget(context),
    clientPolicy(settings, {
      ...context,
      egress: [{ to: [{ namespaceSelector: {} }], ports: tcp(NEO4J_PORT, VALKEY_PORT) }],
    }),
    ...job(settings, "deliberation-setup", ["nats", "setup", "--deliberation"]),
  ];
}
