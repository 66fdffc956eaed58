/** Everything that a set of node types needs in a cluster that has the rest of RayFlow. */
import { createHash } from "node:crypto";
import type { NodeType } from "../../flow/index.ts";
import { actorGroups, type GroupBy } from "./actor-groups.ts";
import { actorWorkload } from "./actors.ts";
import { cpuAutoscaler, type ScaleOptions, scaledObject } from "./autoscaling.ts";
import type { ClusterSettings } from "./cluster-settings.ts";
import { setupJob } from "./control-plane.ts";
import { inNamespace, type Manifest, sortManifests } from "./manifest.ts";
import { accessManifests, claimsManifest, natsAccounts, type UserSecret } from "./nats-access.ts";

export type Scaling = "keda" | "hpa" | "none";

export interface RenderOptions {
  readonly settings: ClusterSettings;
  readonly groupBy: GroupBy;
  readonly scaling: Scaling;
  readonly scale: ScaleOptions;
  /** Types whose code calls out of the cluster, besides the built-in ones that do. */
  readonly internet?: ReadonlySet<string>;
  /** Whether actors have the rights of their role alone. Default false. */
  readonly restricted?: boolean;
  /** Of each NATS user. Left out: only what is to be signed. */
  readonly secretOf?: ((user: string) => UserSecret) | undefined;
}

/** In the order to apply them in. Nothing when no type needs an actor. */
export function renderTypes(types: readonly NodeType[], options: RenderOptions): Manifest[] {
  const { settings, scaling, scale } = options;
  const groups = actorGroups(types, options.groupBy, options.internet);
  if (groups.length === 0) return [];
  const served = groups.flatMap((group) => group.types).sort();
  // A Job cannot be changed: other types or another image are another Job.
  const mark = createHash("sha256")
    .update(JSON.stringify([served, settings.image]))
    .digest("hex")
    .slice(0, 8);
  const accounts = natsAccounts(groups, settings.natsAccount);
  const manifests = [
    ...(options.secretOf === undefined ? [claimsManifest(accounts)] : accessManifests(accounts, options.secretOf)),
    ...setupJob(settings, `rayflow-setup-${mark}`, served),
    ...groups.flatMap((group) =>
      // Whoever scales by hand says how many; an autoscaler is not to be overruled at each apply.
      actorWorkload(group, settings, {
        replicas: scaling === "none" ? (scale.minReplicas ?? 1) : undefined,
        restricted: options.restricted ?? false,
      }),
    ),
    ...groups.flatMap((group) => {
      if (scaling === "keda") return [scaledObject(group, settings, scale)];
      return scaling === "hpa" ? [cpuAutoscaler(group, scale)] : [];
    }),
  ];
  return sortManifests(inNamespace(manifests, settings.namespace));
}
