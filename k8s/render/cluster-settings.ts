/** What differs from one cluster to the next. */

export interface ClusterSettings {
  /** Where RayFlow lives. Names are fixed, so there is one RayFlow to a namespace. */
  readonly namespace: string;
  /** Image of RayFlow: `registry/rayflow:tag` or `registry/rayflow@sha256:…`. */
  readonly image: string;
  /** The NATS account that RayFlow's streams are in; `$G` on a server without accounts. */
  readonly natsAccount: string;
  /** Host and port of NATS's monitoring, as KEDA reaches it from its own namespace. */
  readonly natsMonitoring: string;
  /** Where KEDA, Prometheus and the ingress controller run: they are let in. */
  readonly kedaNamespace: string;
  readonly monitoringNamespace: string;
  readonly ingressNamespace: string;
  /** Where models are served in this cluster: what calls models may go there. */
  readonly modelNamespace: string;
  /** How long running work of a stopping actor may go on, seconds. Not less than the timeout of its nodes. */
  readonly drainSeconds: number;
}

/** The default timeout of one attempt of a node, seconds. */
const NODE_TIMEOUT_S = 300;

export function clusterSettings(chosen: Partial<ClusterSettings> & Pick<ClusterSettings, "image">): ClusterSettings {
  const namespace = chosen.namespace ?? "rayflow";
  return {
    namespace,
    // Also where NATS knows no users: so that streams stay where they are when it does one day.
    natsAccount: "RAYFLOW",
    // Of the headless service: KEDA puts the name of a server before it to ask the one that leads a queue.
    natsMonitoring: `nats-headless.${namespace}.svc.cluster.local:8222`,
    kedaNamespace: "keda",
    monitoringNamespace: "monitoring",
    ingressNamespace: "ingress-nginx",
    modelNamespace: "vllm",
    drainSeconds: NODE_TIMEOUT_S,
    ...chosen,
  };
}
