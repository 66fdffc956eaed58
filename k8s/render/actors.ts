/** The actors of a group of node types. */
import type { ActorGroup } from "./actor-groups.ts";
import type { ClusterSettings } from "./cluster-settings.ts";
import type { Manifest } from "./manifest.ts";
import { clientPolicy, INTERNET, models } from "./network-policy.ts";
import { METRICS_PORT } from "./pod.ts";
import { deployment, disruptionBudget } from "./workload.ts";

/** What an actor does after its work has ended: publish the last results, hand the rest back, flush its spans. */
const LAST_STEPS_S = 30;

/** Where models are, and the keys to them: VLLM_URL, VLLM_MODEL, and what the Secret holds. */
export const MODEL_ENV = [
  { configMapRef: { name: "deliberation-env", optional: true } },
  { secretRef: { name: "deliberation", optional: true } },
] as const;

export interface ActorOptions {
  /** Undefined: an autoscaler says how many, and there is one until it does. */
  readonly replicas?: number | undefined;
  /** With the rights of its role alone: it makes no streams and queues. Default false. */
  readonly restricted?: boolean;
}

export function actorWorkload(group: ActorGroup, settings: ClusterSettings, options: ActorOptions = {}): Manifest[] {
  const { replicas, restricted = false } = options;
  const { name } = group;
  const id = { name, component: "actor" } as const;
  const { drainSeconds } = settings;
  return [
    deployment({
      ...id,
      image: settings.image,
      ...(replicas === undefined ? {} : { replicas }),
      args: [
        "actor",
        "--types",
        group.types.join(","),
        "--drain",
        `${drainSeconds}s`,
        ...(restricted ? ["--restricted"] : []),
      ],
      ports: [{ name: "metrics", containerPort: METRICS_PORT }],
      probes: "metrics",
      ...(group.models ? { envFrom: MODEL_ENV } : {}),
      graceSeconds: drainSeconds + LAST_STEPS_S,
      resources: { cpu: "100m", memory: "384Mi" },
    }),
    disruptionBudget(id),
    clientPolicy(settings, {
      ...id,
      egress: [...(group.models ? [models(settings)] : []), ...(group.internet ? [INTERNET] : [])],
    }),
  ];
}
