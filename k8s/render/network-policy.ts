/**
 * Who may talk to whom. Everything is denied in the namespace (`defaultDeny`); each workload has one policy that says
 * what it needs.
 */
import type { ClusterSettings } from "./cluster-settings.ts";
import { type Component, componentSelector, labels, type Manifest, selectorLabels } from "./manifest.ts";
import { METRICS_PORT } from "./pod.ts";

export type Peer = Readonly<Record<string, unknown>>;
export interface IngressRule {
  readonly from: readonly Peer[];
  readonly ports: readonly object[];
}
export interface EgressRule {
  readonly to: readonly Peer[];
  readonly ports: readonly object[];
}

export function tcp(...ports: readonly number[]) {
  return ports.map((port) => ({ protocol: "TCP", port }));
}

/** All pods of a namespace, by the label that every namespace has. */
export function namespacePeer(name: string): Peer {
  return { namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": name } } };
}

export function componentPeer(...components: readonly Component[]): Peer {
  return { podSelector: componentSelector(components) };
}

const DNS: EgressRule = {
  to: [namespacePeer("kube-system")],
  ports: [
    { protocol: "UDP", port: 53 },
    { protocol: "TCP", port: 53 },
  ],
};
const NATS: EgressRule = { to: [componentPeer("nats")], ports: tcp(4222) };
const TELEMETRY: EgressRule = { to: [componentPeer("otel-collector")], ports: tcp(4317, 4318) };

/** Addresses that are no business of code in a flow: private, loopback, link-local (the cloud's metadata), shared. */
const PRIVATE_V4 = ["10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16"];
const PRIVATE_V6 = ["::1/128", "fc00::/7", "fe80::/10"];

/** The public internet, web ports. */
export const INTERNET: EgressRule = {
  to: [{ ipBlock: { cidr: "0.0.0.0/0", except: PRIVATE_V4 } }, { ipBlock: { cidr: "::/0", except: PRIVATE_V6 } }],
  ports: tcp(80, 443),
};

/** Models that are served in the cluster, where their endpoints speak HTTP. */
export function models(settings: ClusterSettings): EgressRule {
  return { to: [namespacePeer(settings.modelNamespace)], ports: tcp(80, 443, 8000) };
}

export interface PolicyOptions {
  readonly name: string;
  readonly component: Component;
  readonly ingress?: readonly IngressRule[];
  readonly egress?: readonly EgressRule[];
}

export function networkPolicy({ name, component, ingress = [], egress = [] }: PolicyOptions): Manifest {
  return {
    apiVersion: "networking.k8s.io/v1",
    kind: "NetworkPolicy",
    metadata: { name, labels: labels(name, component) },
    spec: {
      podSelector: { matchLabels: selectorLabels(name) },
      policyTypes: ["Ingress", "Egress"],
      ingress,
      egress: [DNS, ...egress],
    },
  };
}

/** Of a process that is a client of NATS: to NATS and the collector, and Prometheus may read its metrics. */
export function clientPolicy(settings: ClusterSettings, options: PolicyOptions): Manifest {
  const scrape = { from: [namespacePeer(settings.monitoringNamespace)], ports: tcp(METRICS_PORT) };
  return networkPolicy({
    ...options,
    ingress: [scrape, ...(options.ingress ?? [])],
    egress: [NATS, TELEMETRY, ...(options.egress ?? [])],
  });
}

/** Nothing in and nothing out, for every pod of the namespace that no other policy speaks of. */
export function defaultDeny(): Manifest {
  return {
    apiVersion: "networking.k8s.io/v1",
    kind: "NetworkPolicy",
    metadata: { name: "default-deny", labels: { "app.kubernetes.io/part-of": "rayflow" } },
    spec: { podSelector: {}, policyTypes: ["Ingress", "Egress"] },
  };
}
