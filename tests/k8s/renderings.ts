/** Every way to render RayFlow for Kubernetes, once. */
import { readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { parse } from "yaml";
import { loadNodes } from "../../actors/index.ts";
import type { NodeType } from "../../flow/index.ts";
import { clusterSettings, type Manifest, type RenderOptions, renderTypes } from "../../k8s/index.ts";
import { helmTemplate } from "./helm.ts";
import { kustomizeBuild } from "./kustomize.ts";
import type { Tree } from "./patches.ts";

export const k8sFolder = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "..", "..", "k8s");
export const chart = path.join(k8sFolder, "chart");
export const overlays = ["base", "overlays/dev", "overlays/production", "overlays/council"] as const;
export const readK8s = (file: string): string => readFileSync(path.join(k8sFolder, file), "utf8");
export const productionValues = (): Tree => parse(readK8s("chart/values-production.yaml")) as Tree;

/** Values that switch on what neither default nor production values do. */
export const OTHER_VALUES: Readonly<Record<string, Tree>> = {
  "chart, HPA and deliberations": {
    actors: {
      autoscaling: "hpa",
      extraGroups: {
        "actor-mine": { types: ["mine_one", "mine_two"], internet: true, minReplicas: 2, maxReplicas: 4 },
      },
    },
    deliberation: { enabled: true, env: { NEO4J_URI: "bolt://neo4j.neo4j:7687" } },
    nodeSelector: { pool: "flows" },
    tolerations: [{ key: "flows", operator: "Exists", effect: "NoSchedule" }],
    imagePullSecrets: [{ name: "registry" }],
    image: { digest: `sha256:${"a".repeat(64)}` },
  },
  "chart, a NATS that is there, an ingress": {
    nats: { enabled: false, url: "nats://nats.nats:4222", monitoring: "nats.nats.svc:8222" },
    gateway: {
      tokenSecret: "rayflow-gateway",
      ingress: { enabled: true, className: "nginx", tlsSecret: "tls", annotations: { "example.com/a": "b" } },
    },
    actors: { autoscaling: "keda", groups: { "actor-math": { types: ["math_add"], minReplicas: 1 } } },
    networkPolicy: { kedaNamespace: "autoscaling" },
    tracing: { enabled: false },
    prometheus: { enabled: true },
    env: { OTEL_TRACES_SAMPLER_ARG: "0.1" },
  },
};

export async function builtinTypes(): Promise<NodeType[]> {
  const { nodes } = await loadNodes();
  return [...nodes.values()].map(({ nodeType }) => nodeType);
}

export function rendered(types: readonly NodeType[], options: Partial<RenderOptions> = {}): Manifest[] {
  const settings = clusterSettings({ image: "rayflow:1.2.3" });
  return renderTypes(types, { settings, groupBy: "category", scaling: "keda", scale: {}, ...options });
}

/** By a title each. */
export function renderings(types: readonly NodeType[]): ReadonlyMap<string, readonly Tree[]> {
  return new Map<string, readonly Tree[]>([
    ...overlays.map((overlay) => [overlay, kustomizeBuild(path.join(k8sFolder, overlay))] as const),
    ["chart, default values", helmTemplate(chart)],
    ["chart, production values", helmTemplate(chart, { values: [productionValues()] })],
    ...Object.entries(OTHER_VALUES).map(
      ([title, values]) => [title, helmTemplate(chart, { values: [values] })] as const,
    ),
    ["k8s render", rendered(types)],
    ["k8s render by type", rendered(types, { groupBy: "type", scale: { minReplicas: 1, maxReplicas: 3 } })],
    ["k8s render with HPA", rendered(types, { scaling: "hpa" })],
    ["k8s render without autoscaler", rendered(types, { scaling: "none", scale: { minReplicas: 2 } })],
  ]);
}
