/**
 * The pod of one RayFlow process: restricted pod security, probes, and what it knows of its surroundings.
 *
 * P1. It runs as nobody in particular, with no capabilities, no token of the cluster, and a root file system that it
 *     cannot write; `/tmp` is its own.
 * P2. Liveness does not ask for NATS: a restart cures no server that is away. Readiness does.
 * P3. Who it is to NATS lies in the Secret `nats-<name>`: NATS_* variables, and files under /etc/nats-user.
 */
import { type Component, labels, selectorLabels } from "./manifest.ts";

export const METRICS_PORT = 9464;
/** Where the Secret of the pod's NATS user is, as files: an nkey's seed, a creds file. */
export const NATS_USER_FOLDER = "/etc/nats-user";
/** Of `FROM node`: the image's own user. */
const USER = 1000;

export interface PodOptions {
  readonly name: string;
  readonly component: Component;
  readonly image: string;
  /** Arguments of `rayflow`. */
  readonly args: readonly string[];
  readonly resources: Resources;
  /** Name of the port that answers `/healthz` and `/readyz`; undefined: the process ends by itself. */
  readonly probes?: string;
  /** In place of those. */
  readonly ownProbes?: object;
  readonly ports?: readonly ContainerPort[];
  readonly env?: readonly object[];
  /** Further sources of its environment. */
  readonly envFrom?: readonly object[];
  /** Who it is to NATS: variables in the Secret `nats-<user>`. Default: its own name. */
  readonly natsUser?: string;
  /** From SIGTERM to SIGKILL, seconds. */
  readonly graceSeconds: number;
  /** How long it goes on as if nothing had happened, while the cluster takes it out of the services, seconds. */
  readonly preStopSeconds?: number;
  readonly restartPolicy?: "OnFailure";
}

export interface ContainerPort {
  readonly name: string;
  readonly containerPort: number;
}

/** CPU has no limit on purpose: throttling makes every step late, and requests already share the CPUs out. */
export interface Resources {
  readonly cpu: string;
  readonly memory: string;
}

export function resourcesOf({ cpu, memory }: Resources) {
  return {
    requests: { cpu, memory, "ephemeral-storage": "64Mi" },
    limits: { memory, "ephemeral-storage": "1Gi" },
  };
}

export const POD_SECURITY = {
  runAsNonRoot: true,
  runAsUser: USER,
  runAsGroup: USER,
  fsGroup: USER,
  fsGroupChangePolicy: "OnRootMismatch",
  seccompProfile: { type: "RuntimeDefault" },
} as const;

export const CONTAINER_SECURITY = {
  allowPrivilegeEscalation: false,
  readOnlyRootFilesystem: true,
  capabilities: { drop: ["ALL"] },
} as const;

/** Replicas on different nodes and in different zones, as far as there are any. */
export function spread(name: string) {
  return ["kubernetes.io/hostname", "topology.kubernetes.io/zone"].map((topologyKey) => ({
    maxSkew: 1,
    topologyKey,
    whenUnsatisfiable: "ScheduleAnyway",
    labelSelector: { matchLabels: selectorLabels(name) },
  }));
}

export const TMP_VOLUME = { name: "tmp", emptyDir: { sizeLimit: "256Mi" } } as const;
export const TMP_MOUNT = { name: "tmp", mountPath: "/tmp" } as const;

/** A pod template that runs one `rayflow` command. */
export function podTemplate(options: PodOptions) {
  const { name, component, probes } = options;
  const natsSecret = `nats-${options.natsUser ?? name}`;
  return {
    metadata: { labels: labels(name, component) },
    spec: {
      serviceAccountName: "rayflow",
      automountServiceAccountToken: false,
      enableServiceLinks: false,
      ...(options.restartPolicy === undefined ? {} : { restartPolicy: options.restartPolicy }),
      terminationGracePeriodSeconds: options.graceSeconds,
      securityContext: POD_SECURITY,
      ...(options.restartPolicy === undefined ? { topologySpreadConstraints: spread(name) } : {}),
      containers: [
        {
          name: component,
          image: options.image,
          imagePullPolicy: "IfNotPresent",
          args: [...options.args],
          ...(options.ports === undefined
            ? {}
            : { ports: options.ports.map((port) => ({ ...port, protocol: "TCP" })) }),
          envFrom: [
            { configMapRef: { name: "rayflow-env" } },
            ...(options.envFrom ?? []),
            { secretRef: { name: natsSecret, optional: true } },
          ],
          env: [
            fieldEnv("POD_NAME", "metadata.name"),
            fieldEnv("POD_NAMESPACE", "metadata.namespace"),
            {
              name: "OTEL_RESOURCE_ATTRIBUTES",
              value: "k8s.namespace.name=$(POD_NAMESPACE),k8s.pod.name=$(POD_NAME)",
            },
            ...(options.env ?? []),
          ],
          resources: resourcesOf(options.resources),
          ...(options.ownProbes ?? (probes === undefined ? {} : httpProbes(probes))),
          ...(options.preStopSeconds === undefined
            ? {}
            : { lifecycle: { preStop: { sleep: { seconds: options.preStopSeconds } } } }),
          securityContext: CONTAINER_SECURITY,
          volumeMounts: [
            TMP_MOUNT,
            { name: "nats-ca", mountPath: "/etc/nats-ca", readOnly: true },
            { name: "nats-user", mountPath: NATS_USER_FOLDER, readOnly: true },
          ],
        },
      ],
      volumes: [
        TMP_VOLUME,
        // The certificate to trust, where NATS speaks TLS.
        { name: "nats-ca", secret: { secretName: "nats-ca", optional: true } },
        // Readable by the pod's group alone: a seed lies in it.
        { name: "nats-user", secret: { secretName: natsSecret, optional: true, defaultMode: 0o440 } },
      ],
    },
  };
}

function fieldEnv(name: string, fieldPath: string) {
  return { name, valueFrom: { fieldRef: { fieldPath } } };
}

function httpProbes(port: string) {
  const get = (path: string) => ({ httpGet: { path, port } });
  return {
    startupProbe: { ...get("/healthz"), periodSeconds: 2, failureThreshold: 60 },
    readinessProbe: { ...get("/readyz"), periodSeconds: 5, timeoutSeconds: 3, failureThreshold: 2 },
    livenessProbe: { ...get("/healthz"), periodSeconds: 10, timeoutSeconds: 5, failureThreshold: 6 },
  };
}
