/** What Prometheus (its operator) reads: one PodMonitor for all processes, one ServiceMonitor for the gateway. */
import { componentSelector, type Manifest, selectorLabels } from "./manifest.ts";

const INTERVAL = "15s";
const META = { "app.kubernetes.io/part-of": "rayflow" };

/** Alerts, for the operator's Prometheus. `spec`: a Prometheus rules file, as it is. */
export function alerts(spec: unknown): Manifest {
  return {
    apiVersion: "monitoring.coreos.com/v1",
    kind: "PrometheusRule",
    metadata: { name: "rayflow", labels: META },
    spec,
  };
}

export function monitors(): Manifest[] {
  return [
    {
      apiVersion: "monitoring.coreos.com/v1",
      kind: "PodMonitor",
      metadata: { name: "rayflow", labels: META },
      spec: {
        selector: componentSelector(["actor", "context", "executor", "monitoring", "orchestrator", "nats"]),
        // Of NATS: the exporter beside it.
        podMetricsEndpoints: [{ port: "metrics", path: "/metrics", interval: INTERVAL }],
        podTargetLabels: ["app.kubernetes.io/name", "app.kubernetes.io/component"],
      },
    },
    {
      apiVersion: "monitoring.coreos.com/v1",
      kind: "ServiceMonitor",
      metadata: { name: "gateway", labels: META },
      spec: {
        selector: { matchLabels: selectorLabels("gateway") },
        endpoints: [{ port: "metrics", path: "/metrics", interval: INTERVAL }],
      },
    },
  ];
}
