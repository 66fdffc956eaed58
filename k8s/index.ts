export { type ActorGroup, actorGroups, type GroupBy } from "./render/actor-groups.ts";
export type { ScaleOptions } from "./render/autoscaling.ts";
export { CHART_COPIES, chartFiles } from "./render/chart.ts";
export { type ClusterSettings, clusterSettings } from "./render/cluster-settings.ts";
export type { Manifest } from "./render/manifest.ts";
export { type NeededTypes, neededTypes } from "./render/needed-types.ts";
export { type RenderOptions, renderTypes, type Scaling } from "./render/render-types.ts";
export { manifestTree } from "./render/tree.ts";
export { toList, toYaml } from "./render/yaml.ts";
