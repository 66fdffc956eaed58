/** The OpenTelemetry collector that every process sends to, and a Jaeger to look at traces. */
import type { ClusterSettings } from "./cluster-settings.ts";
import { type Component, labels, type Manifest, NATS_CLIENTS, selectorLabels } from "./manifest.ts";
import { componentPeer, namespacePeer, networkPolicy, tcp } from "./network-policy.ts";
import { CONTAINER_SECURITY, POD_SECURITY, type Resources, resourcesOf, TMP_MOUNT, TMP_VOLUME } from "./pod.ts";

export const COLLECTOR_IMAGE = "otel/opentelemetry-collector:0.140.0";
export const JAEGER_IMAGE = "jaegertracing/jaeger:2.12.0";
/** Both say there whether they are well. */
const HEALTH_PORT = 13133;
const OTLP_GRPC = 4317;
const OTLP_HTTP = 4318;
const UI_PORT = 16686;

interface ServerOptions {
  readonly name: string;
  readonly component: Component;
  readonly image: string;
  readonly args: readonly string[];
  readonly ports: Readonly<Record<string, number>>;
  readonly healthPath: string;
  readonly env?: readonly object[];
  /** A ConfigMap to mount at /etc/<name>. */
  readonly configMap: string;
  readonly resources: Resources;
}

export function tracing(settings: ClusterSettings): Manifest[] {
  const collector = { name: "otel-collector", component: "otel-collector" } as const;
  const jaeger = { name: "jaeger", component: "jaeger" } as const;
  return [
    ...server({
      ...collector,
      image: COLLECTOR_IMAGE,
      args: ["--config=/etc/otel-collector/collector.yaml"],
      ports: { "otlp-grpc": OTLP_GRPC, "otlp-http": OTLP_HTTP },
      healthPath: "/",
      // 80 % of the limit, as the collector advises.
      env: [{ name: "GOMEMLIMIT", value: "410MiB" }],
      configMap: "otel-collector-config",
      resources: { cpu: "100m", memory: "512Mi" },
    }),
    networkPolicy({
      ...collector,
      ingress: [{ from: [componentPeer(...NATS_CLIENTS)], ports: tcp(OTLP_GRPC, OTLP_HTTP) }],
      egress: [{ to: [componentPeer("jaeger")], ports: tcp(OTLP_GRPC) }],
    }),
    ...server({
      ...jaeger,
      image: JAEGER_IMAGE,
      args: ["--config=/etc/jaeger/jaeger.yaml"],
      ports: { "otlp-grpc": OTLP_GRPC, ui: UI_PORT },
      healthPath: "/status",
      configMap: "jaeger-config",
      resources: { cpu: "100m", memory: "1Gi" },
    }),
    networkPolicy({
      ...jaeger,
      ingress: [
        { from: [componentPeer("otel-collector")], ports: tcp(OTLP_GRPC) },
        { from: [namespacePeer(settings.ingressNamespace)], ports: tcp(UI_PORT) },
      ],
    }),
  ];
}

function server(options: ServerOptions): Manifest[] {
  const { name, component, ports } = options;
  const meta = { name, labels: labels(name, component) };
  const health = { httpGet: { path: options.healthPath, port: "health" } };
  return [
    {
      apiVersion: "v1",
      kind: "Service",
      metadata: meta,
      spec: {
        type: "ClusterIP",
        selector: selectorLabels(name),
        ports: Object.entries(ports).map(([port, number]) => ({
          name: port,
          port: number,
          targetPort: port,
          protocol: "TCP",
        })),
      },
    },
    {
      apiVersion: "apps/v1",
      kind: "Deployment",
      metadata: meta,
      spec: {
        replicas: 1,
        revisionHistoryLimit: 5,
        selector: { matchLabels: selectorLabels(name) },
        template: {
          metadata: { labels: labels(name, component) },
          spec: {
            serviceAccountName: "rayflow",
            automountServiceAccountToken: false,
            enableServiceLinks: false,
            terminationGracePeriodSeconds: 30,
            securityContext: POD_SECURITY,
            containers: [
              {
                name: component,
                image: options.image,
                imagePullPolicy: "IfNotPresent",
                args: [...options.args],
                ports: Object.entries({ ...ports, health: HEALTH_PORT }).map(([port, containerPort]) => ({
                  name: port,
                  containerPort,
                  protocol: "TCP",
                })),
                ...(options.env === undefined ? {} : { env: options.env }),
                resources: resourcesOf(options.resources),
                startupProbe: { ...health, periodSeconds: 2, failureThreshold: 30 },
                readinessProbe: { ...health, periodSeconds: 5 },
                livenessProbe: { ...health, periodSeconds: 10, failureThreshold: 6 },
                securityContext: CONTAINER_SECURITY,
                volumeMounts: [TMP_MOUNT, { name: "config", mountPath: `/etc/${name}`, readOnly: true }],
              },
            ],
            volumes: [TMP_VOLUME, { name: "config", configMap: { name: options.configMap } }],
          },
        },
      },
    },
  ];
}
