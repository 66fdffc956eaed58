/** The manifests under k8s/ that are written from here: `npm run k8s:write` writes them, a test compares. */
import type { NodeType } from "../../flow/index.ts";
import { actorGroups } from "./actor-groups.ts";
import { actorWorkload } from "./actors.ts";
import { cpuAutoscaler, scaledObject } from "./autoscaling.ts";
import { clusterSettings } from "./cluster-settings.ts";
import { gateway, namespaceManifests, orchestrator, setupJob } from "./control-plane.ts";
import { deliberation } from "./deliberation.ts";
import type { Manifest } from "./manifest.ts";
import { alerts, monitors } from "./monitoring.ts";
import { natsServer } from "./nats-server.ts";
import { defaultDeny } from "./network-policy.ts";
import { tracing } from "./tracing.ts";
import { toYaml } from "./yaml.ts";

const HEADER = "# Written by `npm run k8s:write` from k8s/render: change it there, or patch it in an overlay.\n";

/** Text by path below k8s/, for these node types, this version of RayFlow, and these Prometheus rules. */
export function manifestTree(types: Iterable<NodeType>, version: string, rules: unknown): Map<string, string> {
  const settings = clusterSettings({ image: `rayflow:${version}` });
  const groups = actorGroups(types, "category");
  const files: Record<string, readonly Manifest[]> = {
    "base/core/namespace.yaml": [...namespaceManifests(settings), defaultDeny()],
    "base/core/setup.yaml": setupJob(settings),
    "base/core/orchestrator.yaml": orchestrator(settings),
    "base/core/gateway.yaml": gateway(settings),
    "base/nats/nats.yaml": natsServer(settings),
    "base/actors/actors.yaml": groups.flatMap((group) => actorWorkload(group, settings)),
    "components/keda/scaled-objects.yaml": groups.map((group) => scaledObject(group, settings)),
    "components/hpa/autoscalers.yaml": groups.map((group) => cpuAutoscaler(group)),
    "components/prometheus/monitors.yaml": monitors(),
    "components/prometheus/alerts.yaml": [alerts(rules)],
    "components/tracing/tracing.yaml": tracing(settings),
    "components/deliberation/deliberation.yaml": deliberation(settings),
  };
  return new Map(Object.entries(files).map(([file, manifests]) => [file, HEADER + toYaml(manifests)]));
}
