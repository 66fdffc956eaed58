/** The chart's nats-server: what its values say of size, storage and the exporter beside it. */
import { action, block, optional, plain } from "./chart-text.ts";
import type { Manifest } from "./manifest.ts";
import { CONTAINER_SECURITY } from "./pod.ts";
import { at, edit, type Tree } from "./tree-edit.ts";

const EXPORTED = "if $.Values.prometheus.enabled";
const EXPORTER_PORT = 7777;

export function chartNats(manifest: Manifest): Manifest {
  if (manifest.kind === "NetworkPolicy") return edit(manifest, openExporter);
  if (manifest.kind !== "StatefulSet") return manifest;
  return edit(manifest, (tree) => {
    const spec = at(tree, "spec");
    spec.replicas = plain("int $.Values.nats.replicas");
    at(spec, "template", "metadata").annotations = {
      "checksum/config": '{{ include (print $.Template.BasePath "/nats-config.yaml") $ | sha256sum }}',
    };
    const pod = at(spec, "template", "spec");
    for (const key of ["imagePullSecrets", "nodeSelector", "tolerations"]) pod[key] = optional(`$.Values.${key}`);
    // Two servers of a cluster on one node would go together, and with them the majority.
    const [byNode] = pod.topologySpreadConstraints as Tree[];
    if (byNode !== undefined) {
      byNode.whenUnsatisfiable = '{{ gt (int $.Values.nats.replicas) 1 | ternary "DoNotSchedule" "ScheduleAnyway" }}';
    }
    const [server] = pod.containers as Tree[];
    if (server === undefined) return;
    server.image = "{{ $.Values.nats.image }}";
    server.resources = block("$.Values.nats.resources");
    const [podName] = server.env as Tree[];
    server.env = [podName, { name: "GOMEMLIMIT", value: "{{ $.Values.nats.goMemLimit }}" }];
    pod.containers = [server, action(EXPORTED), exporter(), action("end")];
    const [claim] = spec.volumeClaimTemplates as Tree[];
    if (claim === undefined) return;
    const claimSpec = at(claim, "spec");
    claimSpec.resources = { requests: { storage: "{{ $.Values.nats.storage.size }}" } };
    claimSpec.storageClassName = optional("$.Values.nats.storage.className");
  });
}

function exporter() {
  return {
    name: "exporter",
    image: "{{ $.Values.prometheus.exporterImage }}",
    imagePullPolicy: "IfNotPresent",
    args: [`-port=${EXPORTER_PORT}`, "-varz", "-connz", "-routez", "-jsz=all", "http://localhost:8222"],
    ports: [{ name: "metrics", containerPort: EXPORTER_PORT, protocol: "TCP" }],
    resources: {
      requests: { cpu: "10m", memory: "64Mi", "ephemeral-storage": "16Mi" },
      limits: { memory: "64Mi", "ephemeral-storage": "64Mi" },
    },
    securityContext: CONTAINER_SECURITY,
  };
}

function openExporter(tree: Tree): void {
  const monitor = (at(tree, "spec").ingress as Tree[]).at(-1);
  if (monitor === undefined) return;
  monitor.ports = [
    ...(monitor.ports as unknown[]),
    action(EXPORTED),
    { protocol: "TCP", port: EXPORTER_PORT },
    action("end"),
  ];
}
