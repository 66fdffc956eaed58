/** One nats-server with JetStream; the component nats-cluster makes it three. */
import type { ClusterSettings } from "./cluster-settings.ts";
import { labels, type Manifest, NATS_CLIENTS, selectorLabels } from "./manifest.ts";
import { componentPeer, namespacePeer, networkPolicy, tcp } from "./network-policy.ts";
import { CONTAINER_SECURITY, POD_SECURITY, resourcesOf, spread, TMP_MOUNT, TMP_VOLUME } from "./pod.ts";
import { disruptionBudget } from "./workload.ts";

/** Message schedules want 2.12, cron 2.14; 2.14.5 has the fixes of a replicated JetStream. */
export const NATS_IMAGE = "nats:2.14.5-alpine";
const MONITOR_PORT = 8222;
const CLUSTER_PORT = 6222;
const id = { name: "nats", component: "nats" } as const;

export function natsServer(settings: ClusterSettings): Manifest[] {
  return [
    service("nats", { selector: selectorLabels(id.name), ports: [port("client", 4222)] }),
    service("nats-headless", {
      clusterIP: "None",
      // Servers find each other before they are ready, for they become ready by that.
      publishNotReadyAddresses: true,
      selector: selectorLabels(id.name),
      ports: [port("client", 4222), port("cluster", CLUSTER_PORT), port("monitor", MONITOR_PORT)],
    }),
    statefulSet(),
    disruptionBudget(id),
    networkPolicy({
      ...id,
      ingress: [
        { from: [componentPeer(...NATS_CLIENTS)], ports: tcp(4222) },
        { from: [componentPeer("nats")], ports: tcp(CLUSTER_PORT) },
        {
          from: [namespacePeer(settings.kedaNamespace), namespacePeer(settings.monitoringNamespace)],
          ports: tcp(MONITOR_PORT),
        },
      ],
      egress: [{ to: [componentPeer("nats")], ports: tcp(CLUSTER_PORT) }],
    }),
  ];
}

function statefulSet(): Manifest {
  const health = (query: string) => ({ httpGet: { path: `/healthz${query}`, port: "monitor" } });
  return {
    apiVersion: "apps/v1",
    kind: "StatefulSet",
    metadata: { name: id.name, labels: labels(id.name, id.component) },
    spec: {
      replicas: 1,
      serviceName: "nats-headless",
      podManagementPolicy: "Parallel",
      selector: { matchLabels: selectorLabels(id.name) },
      template: {
        metadata: { labels: labels(id.name, id.component) },
        spec: {
          serviceAccountName: "rayflow",
          automountServiceAccountToken: false,
          enableServiceLinks: false,
          // More than the lame duck mode, in which clients and leaders move over one after the other.
          terminationGracePeriodSeconds: 90,
          securityContext: POD_SECURITY,
          topologySpreadConstraints: spread(id.name),
          containers: [
            {
              name: "nats",
              image: NATS_IMAGE,
              imagePullPolicy: "IfNotPresent",
              command: ["nats-server"],
              args: ["--config", "/etc/nats/nats.conf"],
              ports: [port("client", 4222), port("cluster", CLUSTER_PORT), port("monitor", MONITOR_PORT)].map(
                ({ name, port: containerPort, protocol }) => ({ name, containerPort, protocol }),
              ),
              env: [
                { name: "POD_NAME", valueFrom: { fieldRef: { fieldPath: "metadata.name" } } },
                { name: "GOMEMLIMIT", value: "900MiB" },
              ],
              resources: resourcesOf({ cpu: "500m", memory: "1Gi" }),
              startupProbe: { ...health("?js-server-only=true"), periodSeconds: 5, failureThreshold: 90 },
              readinessProbe: { ...health("?js-server-only=true"), periodSeconds: 5, timeoutSeconds: 5 },
              livenessProbe: { ...health("?js-enabled-only=true"), periodSeconds: 30, timeoutSeconds: 5 },
              lifecycle: { preStop: { exec: { command: ["nats-server", "--signal", "ldm=/tmp/nats.pid"] } } },
              securityContext: CONTAINER_SECURITY,
              volumeMounts: [
                { name: "data", mountPath: "/data" },
                { name: "config", mountPath: "/etc/nats", readOnly: true },
                { name: "tls", mountPath: "/etc/nats-tls", readOnly: true },
                TMP_MOUNT,
              ],
            },
          ],
          volumes: [
            {
              name: "config",
              // In one folder, for a nats-server includes files by relative path.
              projected: {
                sources: [{ configMap: { name: "nats-config" } }, { secret: { name: "nats-auth", optional: true } }],
              },
            },
            { name: "tls", secret: { secretName: "nats-server-tls", optional: true } },
            TMP_VOLUME,
          ],
        },
      },
      volumeClaimTemplates: [
        {
          apiVersion: "v1",
          kind: "PersistentVolumeClaim",
          metadata: { name: "data" },
          spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "10Gi" } } },
        },
      ],
    },
  };
}

function service(name: string, spec: object): Manifest {
  return { apiVersion: "v1", kind: "Service", metadata: { name, labels: labels(id.name, id.component) }, spec };
}

function port(name: string, number: number) {
  return { name, port: number, protocol: "TCP" };
}
