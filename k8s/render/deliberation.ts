/** The services of deliberations: executor (gRPC), context service, monitoring page, and the Job that makes their streams. */
import { MODEL_ENV } from "./actors.ts";
import type { ClusterSettings } from "./cluster-settings.ts";
import { job } from "./control-plane.ts";
import { type Component, labels, type Manifest, selectorLabels } from "./manifest.ts";
import { clientPolicy, namespacePeer, tcp } from "./network-policy.ts";
import { METRICS_PORT } from "./pod.ts";
import { deployment, disruptionBudget } from "./workload.ts";

const GRPC_PORT = 50056;
const MONITORING_PORT = 8080;
/** Neo4j's Bolt and ValKey, in whatever namespace they are. */
const NEO4J_PORT = 7687;
const VALKEY_PORT = 6379;
const METRICS = { name: "metrics", containerPort: METRICS_PORT } as const;

export function deliberation(settings: ClusterSettings): Manifest[] {
  const shared = {
    image: settings.image,
    replicas: 1,
    graceSeconds: 60,
    resources: { cpu: "100m", memory: "384Mi" },
    envFrom: MODEL_ENV,
  };
  const fromIngress = (port: number) => [{ from: [namespacePeer(settings.ingressNamespace)], ports: tcp(port) }];
  return [
    ...executor(shared, settings, fromIngress(GRPC_PORT)),
    ...context(shared, settings),
    ...monitoring(shared, settings, fromIngress(MONITORING_PORT)),
    ...job(settings, "deliberation-setup", ["executor", "setup"], "executor"),
  ];
}

type Shared = Pick<Parameters<typeof deployment>[0], "image" | "replicas" | "graceSeconds" | "resources" | "envFrom">;
type Ingress = NonNullable<Parameters<typeof clientPolicy>[1]["ingress"]>;

function executor(shared: Shared, settings: ClusterSettings, ingress: Ingress): Manifest[] {
  const id = { name: "executor", component: "executor" } as const;
  // gRPC's own health service; whether the port is open says that it lives, whatever NATS does.
  const lives = { tcpSocket: { port: "grpc" } };
  return [
    deployment({
      ...id,
      ...shared,
      args: ["executor", "--host", "0.0.0.0", "--grace", "30s"],
      env: [{ name: "GRPC_PORT", value: String(GRPC_PORT) }],
      ports: [{ name: "grpc", containerPort: GRPC_PORT }, METRICS],
      ownProbes: {
        startupProbe: { ...lives, periodSeconds: 2, failureThreshold: 60 },
        readinessProbe: { grpc: { port: GRPC_PORT }, periodSeconds: 5, timeoutSeconds: 3, failureThreshold: 2 },
        livenessProbe: { ...lives, periodSeconds: 10, timeoutSeconds: 5, failureThreshold: 6 },
      },
      preStopSeconds: 5,
    }),
    service(id, [{ name: "grpc", port: GRPC_PORT, appProtocol: "kubernetes.io/h2c" }]),
    disruptionBudget(id),
    clientPolicy(settings, { ...id, ingress }),
  ];
}

function context(shared: Shared, settings: ClusterSettings): Manifest[] {
  const id = { name: "context", component: "context" } as const;
  return [
    deployment({ ...id, ...shared, args: ["context"], ports: [METRICS], probes: "metrics" }),
    disruptionBudget(id),
    clientPolicy(settings, {
      ...id,
      egress: [{ to: [{ namespaceSelector: {} }], ports: tcp(NEO4J_PORT, VALKEY_PORT) }],
    }),
  ];
}

/** A gateway of its own, which shows the monitoring page first: its rights are a gateway's. */
function monitoring(shared: Shared, settings: ClusterSettings, ingress: Ingress): Manifest[] {
  const id = { name: "monitoring", component: "monitoring" } as const;
  return [
    deployment({
      ...id,
      ...shared,
      args: ["monitoring", "--host", "0.0.0.0", "--port", String(MONITORING_PORT)],
      natsUser: "gateway",
      envFrom: [{ secretRef: { name: "rayflow-gateway", optional: true } }],
      ports: [{ name: "http", containerPort: MONITORING_PORT }, METRICS],
      probes: "http",
      preStopSeconds: 5,
    }),
    service(id, [{ name: "http", port: MONITORING_PORT }]),
    disruptionBudget(id),
    clientPolicy(settings, { ...id, ingress }),
  ];
}

function service(
  { name, component }: { readonly name: string; readonly component: Component },
  ports: readonly { readonly name: string; readonly port: number; readonly appProtocol?: string }[],
): Manifest {
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name, labels: labels(name, component) },
    spec: {
      type: "ClusterIP",
      selector: selectorLabels(name),
      ports: ports.map((port) => ({ ...port, targetPort: port.name, protocol: "TCP" })),
    },
  };
}
