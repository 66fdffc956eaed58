/** The chart's templates: the same manifests as those of kustomize, with the chart's values in their places. */
import type { NodeType } from "../../flow/index.ts";
import { actorGroups } from "./actor-groups.ts";
import { actorWorkload } from "./actors.ts";
import { cpuAutoscaler, scaledObject } from "./autoscaling.ts";
import { chartNats } from "./chart-nats.ts";
import { action, block, chartTemplate, items, optional, plain } from "./chart-text.ts";
import { clusterSettings } from "./cluster-settings.ts";
import { gateway, namespaceManifests, orchestrator, setupJob } from "./control-plane.ts";
import { deliberation } from "./deliberation.ts";
import type { Manifest } from "./manifest.ts";
import { alerts, monitors } from "./monitoring.ts";
import { natsServer } from "./nats-server.ts";
import { defaultDeny } from "./network-policy.ts";
import { tracing } from "./tracing.ts";
import { at, edit, type Tree } from "./tree-edit.ts";

const HEADER = "{{- /* Written by `npm run k8s:write` from k8s/render: change it there. */ -}}\n";
const POLICIES = "$.Values.networkPolicy.enabled";
const settings = clusterSettings({
  image: '{{ include "rayflow.image" $ }}',
  natsAccount: "{{ $.Values.nats.account }}",
  natsMonitoring: '{{ include "rayflow.natsMonitoring" $ }}',
  kedaNamespace: "{{ $.Values.networkPolicy.kedaNamespace }}",
  monitoringNamespace: "{{ $.Values.networkPolicy.monitoringNamespace }}",
  ingressNamespace: "{{ $.Values.networkPolicy.ingressNamespace }}",
  modelNamespace: "{{ $.Values.networkPolicy.modelNamespace }}",
});
/** As a file, so that Helm leaves Prometheus' own templates in it alone. */
const RULES = '($.Files.Get "files/prometheus/rules.yaml" | fromYaml)';
/** Stands for the group and for one of its types, until the text is written. */
const GROUP = { name: "actor-placeholder", types: ["placeholdertype"], internet: true, models: true };

/** What the chart's templates read is what kustomize reads: copies, from and to below k8s/. */
export const CHART_COPIES: readonly (readonly [from: string, to: string])[] = [
  ["base/nats/nats.conf", "chart/files/nats/nats.conf"],
  ["base/nats/security.conf", "chart/files/nats/open.conf"],
  ["components/secure-nats/security.conf", "chart/files/nats/secure.conf"],
  ["components/tracing/collector.yaml", "chart/files/tracing/collector.yaml"],
  ["components/tracing/jaeger.yaml", "chart/files/tracing/jaeger.yaml"],
  ["../examples/observability/prometheus-rules.yaml", "chart/files/prometheus/rules.yaml"],
];

/** Text by path below k8s/chart. */
export function chartFiles(types: Iterable<NodeType>): Map<string, string> {
  const groups = actorGroups(types, "category");
  const files: Record<string, string> = {
    "templates/core.yaml": template([...namespaceManifests(settings).slice(1), defaultDeny()]),
    "templates/setup.yaml": template(setupJob(settings).map(setup)),
    "templates/orchestrator.yaml": template(orchestrator(settings).map((one) => workload(one, "orchestrator"))),
    "templates/gateway.yaml": template(gateway(settings).map((one) => withToken(workload(one, "gateway")))),
    "templates/nats.yaml": template(natsServer(settings).map(chartNats), "if $.Values.nats.enabled"),
    "templates/actors.yaml": actors(),
    "templates/tracing.yaml": template(tracing(settings).map(telemetry), "if $.Values.tracing.enabled"),
    "templates/prometheus.yaml": template([...monitors(), alerts(block(RULES))], "if $.Values.prometheus.enabled"),
    "templates/deliberation.yaml": template(deliberation(settings).map(council), "if $.Values.deliberation.enabled"),
    "files/actor-groups.yaml": `# Written by \`npm run k8s:write\`: a Deployment for each category of the built-in node types.\n${groups
      .map(
        ({ name, types, internet, models }) =>
          `${name}:\n  internet: ${internet}\n  models: ${models}\n  types: [${types.join(", ")}]\n`,
      )
      .join("")}`,
  };
  return new Map(
    Object.entries(files).map(([file, text]) => [file, file.startsWith("templates/") ? HEADER + text : text]),
  );
}

function template(manifests: readonly Manifest[], inside?: string): string {
  const when = ({ kind }: Manifest) => (kind === "NetworkPolicy" ? POLICIES : undefined);
  return chartTemplate(manifests.map(withNatsPeers), inside === undefined ? { when } : { when, inside });
}

/** Replicas, resources and placement from the values under a key. */
function workload(manifest: Manifest, key: string): Manifest {
  if (manifest.kind !== "Deployment") return manifest;
  return edit(placed(manifest), (tree) => {
    at(tree, "spec").replicas = plain(`int $.Values.${key}.replicas`);
    container(tree).resources = block(`$.Values.${key}.resources`);
  });
}

/** Where pods may run, what pulls their image, and the mark of the configuration that they read when they start. */
function placed(manifest: Manifest): Manifest {
  return edit(manifest, (tree) => {
    at(tree, "spec", "template", "metadata").annotations = {
      "checksum/env": '{{ include (print $.Template.BasePath "/env.yaml") $ | sha256sum }}',
    };
    placement(at(tree, "spec", "template", "spec"));
  });
}

function placement(pod: Tree): void {
  for (const key of ["imagePullSecrets", "nodeSelector", "tolerations"]) pod[key] = optional(`$.Values.${key}`);
}

function withToken(manifest: Manifest): Manifest {
  if (manifest.kind !== "Deployment") return manifest;
  return edit(manifest, (tree) => {
    const own = container(tree);
    const secretKeyRef = { name: "{{ $.Values.gateway.tokenSecret }}", key: "RAYFLOW_TOKEN" };
    own.env = [
      action("if $.Values.gateway.tokenSecret"),
      { name: "RAYFLOW_TOKEN", valueFrom: { secretKeyRef } },
      action("end"),
      ...(own.env as unknown[]),
    ];
  });
}

/** A Job cannot be changed: Helm deletes the old one before it makes the next. */
function hooked(manifest: Manifest): Manifest {
  if (manifest.kind !== "Job") return manifest;
  return edit(manifest, (tree) => {
    at(tree, "metadata").annotations = {
      "helm.sh/hook": "post-install,post-upgrade",
      "helm.sh/hook-delete-policy": "before-hook-creation",
    };
    placement(at(tree, "spec", "template", "spec"));
  });
}

function setup(manifest: Manifest): Manifest {
  if (manifest.kind !== "Job") return manifest;
  return edit(hooked(manifest), (tree) => {
    const own = container(tree);
    const replicas = "$.Values.nats.replicas";
    own.args = [
      ...(own.args as unknown[]),
      action(`if gt (int ${replicas}) 1`),
      "--replicas",
      `{{ ${replicas} }}`,
      action("end"),
    ];
  });
}

function telemetry(manifest: Manifest): Manifest {
  if (manifest.kind !== "Deployment") return manifest;
  const key = manifest.metadata.name === "jaeger" ? "jaeger" : "collector";
  return edit(manifest, (tree) => {
    at(tree, "spec", "template", "metadata").annotations = {
      "checksum/config": '{{ include (print $.Template.BasePath "/tracing-config.yaml") $ | sha256sum }}',
    };
    placement(at(tree, "spec", "template", "spec"));
    container(tree).image = `{{ $.Values.tracing.${key}.image }}`;
    container(tree).resources = block(`$.Values.tracing.${key}.resources`);
  });
}

function council(manifest: Manifest): Manifest {
  return hooked(workload(manifest, "deliberation"));
}

function actors(): string {
  const manifests = [...actorWorkload(GROUP, settings), scaledObject(GROUP, settings), cpuAutoscaler(GROUP)];
  const when = ({ kind }: Manifest) => {
    if (kind === "NetworkPolicy") return POLICIES;
    if (kind === "ScaledObject") return 'eq $.Values.actors.autoscaling "keda"';
    return kind === "HorizontalPodAutoscaler" ? 'eq $.Values.actors.autoscaling "hpa"' : undefined;
  };
  const text = chartTemplate(manifests.map(actor).map(withNatsPeers), { when });
  const body = text
    .replaceAll("lag-placeholdertype", '{{ $type | replace "_" "-" | printf "lag-%s" }}')
    .replaceAll("placeholdertype", "{{ $type }}")
    .replaceAll("actor-placeholder", "{{ $name }}");
  return `{{- range $name, $group := include "rayflow.actorGroups" $ | fromYaml }}\n${body}{{- end }}\n`;
}

function actor(manifest: Manifest): Manifest {
  const value = (key: string) => `ternary $group.${key} $.Values.actors.${key} (hasKey $group "${key}")`;
  return edit(manifest.kind === "Deployment" ? placed(manifest) : manifest, (tree) => {
    const spec = at(tree, "spec");
    if (manifest.kind === "Deployment") {
      spec.replicas = optional(`(and (eq $.Values.actors.autoscaling "none") (${value("replicas")}))`);
      const pod = at(spec, "template", "spec");
      pod.terminationGracePeriodSeconds = plain("add $.Values.actors.drainSeconds 30");
      const own = container(tree);
      own.args = [
        "actor",
        "--types",
        '{{ join "," $group.types }}',
        "--drain",
        "{{ $.Values.actors.drainSeconds }}s",
        action("if $.Values.nats.auth.enabled"),
        "--restricted",
        action("end"),
      ];
      own.resources = block(`(${value("resources")})`);
      const [env, ...rest] = own.envFrom as unknown[];
      own.envFrom = [env, action("if $group.models"), ...rest.slice(0, -1), action("end"), rest.at(-1)];
    } else if (manifest.kind === "ScaledObject") {
      spec.minReplicaCount = plain(`int (${value("minReplicas")})`);
      spec.maxReplicaCount = plain(`int (${value("maxReplicas")})`);
      const [trigger] = spec.triggers as Tree[];
      if (trigger !== undefined) at(trigger, "metadata").lagThreshold = `{{ ${value("lagThreshold")} }}`;
      spec.triggers = [action("range $type := $group.types"), trigger, action("end")];
    } else if (manifest.kind === "HorizontalPodAutoscaler") {
      spec.minReplicas = plain(`max 1 (int (${value("minReplicas")}))`);
      spec.maxReplicas = plain(`int (${value("maxReplicas")})`);
    } else if (manifest.kind === "NetworkPolicy") {
      const rules = spec.egress as unknown[];
      const [models, internet] = rules.slice(-2);
      spec.egress = [
        ...rules.slice(0, -2),
        ...[action("if $group.models"), models, action("end")],
        ...[action("if $group.internet"), internet, action("end")],
      ];
    }
  });
}

/** With a NATS that is not the chart's: who it is, is for the values to say. */
function withNatsPeers(manifest: Manifest): Manifest {
  if (manifest.kind !== "NetworkPolicy" || manifest.metadata.name === "nats") return manifest;
  return edit(manifest, (tree) => {
    for (const rule of (at(tree, "spec").egress ?? []) as (Tree | string)[]) {
      if (typeof rule === "string" || !JSON.stringify(rule.ports).includes("4222")) continue;
      rule.to = [
        action("if $.Values.nats.enabled"),
        ...(rule.to as unknown[]),
        action("else"),
        items("$.Values.networkPolicy.natsPeers"),
        action("end"),
      ];
    }
  });
}

function container(tree: Tree): Tree {
  const [first] = at(tree, "spec", "template", "spec").containers as Tree[];
  return first ?? {};
}
