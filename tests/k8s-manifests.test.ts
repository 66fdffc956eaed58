/** Everything that is rendered for Kubernetes is what the API takes, says the same by every way, and keeps its promises. */
import { existsSync } from "node:fs";
import path from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { z } from "zod";
import { packageVersion } from "../cli/package-info.ts";
import type { NodeType } from "../flow/index.ts";
import { CHART_COPIES, chartFiles, manifestTree } from "../k8s/index.ts";
import { nodeConsumerName, STREAMS } from "../nats/index.ts";
import { helmNotes, helmTemplate } from "./k8s/helm.ts";
import { kustomizeBuild } from "./k8s/kustomize.ts";
import type { Tree } from "./k8s/patches.ts";
import { allowedKeys, comparable, containersOf, covers, type Pod, podsOf, unknownReferences } from "./k8s/questions.ts";
import {
  builtinTypes,
  chart,
  k8sFolder,
  OTHER_VALUES,
  productionValues,
  readK8s,
  rendered,
  renderings,
} from "./k8s/renderings.ts";
import { invalidValues, typeErrors } from "./k8s/schemas.ts";

let types: NodeType[];
let all: ReadonlyMap<string, readonly Tree[]>;

beforeAll(async () => {
  types = await builtinTypes();
  all = renderings(types);
});

const each = <T>(ask: (manifests: readonly Tree[], title: string) => T[]): string[] =>
  [...all].flatMap(([title, manifests]) => ask(manifests, title).map((found) => `${title}: ${String(found)}`));
const ofKind = (manifests: readonly Tree[], ...kinds: string[]) =>
  manifests.filter(({ kind }) => kinds.includes(String(kind)));
const nameOf = ({ metadata }: Tree) => String((metadata as Tree).name);

describe("what is committed", () => {
  it("is what k8s/render writes: npm run k8s:write", () => {
    const files = new Map(
      manifestTree(types, packageVersion(), parse(readK8s("../examples/observability/prometheus-rules.yaml"))),
    );
    for (const [file, text] of chartFiles(types)) files.set(`chart/${file}`, text);
    for (const [from, to] of CHART_COPIES) files.set(to, readK8s(from));
    const stale = [...files].filter(
      ([file, text]) => !existsSync(path.join(k8sFolder, file)) || readK8s(file) !== text,
    );
    expect(stale.map(([file]) => file)).toEqual([]);
  });

  it("has the version of the package in the chart", () => {
    expect(parse(readK8s("chart/Chart.yaml"))).toMatchObject({
      version: packageVersion(),
      appVersion: packageVersion(),
    });
  });
});

describe("typed schemas", () => {
  it("take every document", async () => {
    const manifests = [...all.values()].flat();
    expect(manifests.length).toBeGreaterThan(500);
    expect(await invalidValues(manifests)).toEqual([]);
    expect(await typeErrors(manifests)).toEqual([]);
  });

  it("refuse an unknown key at any depth, and a wrong value", async () => {
    const [service] = ofKind(rendered(types), "Deployment");
    const bad = structuredClone(service) as Tree;
    const [container] = containersOf(bad);
    if (container === undefined) throw new Error("no container");
    (container.securityContext as Tree).readOnlyRootFileSystem = true;
    const scaled = structuredClone(ofKind(rendered(types), "ScaledObject")[0]) as Tree;
    (scaled.spec as Tree).minReplicas = 0;
    expect(await typeErrors([bad, scaled])).toEqual([
      expect.stringContaining("readOnlyRootFileSystem"),
      expect.stringContaining("minReplicas"),
    ]);
    (bad.spec as Tree).replicas = "three";
    expect(await invalidValues([bad])).toEqual([expect.stringContaining("replicas")]);
  });
});

describe("kustomize and Helm", () => {
  it("give the same production", () => {
    const overlay = kustomizeBuild(path.join(k8sFolder, "overlays/production"));
    const values = helmTemplate(chart, { values: [productionValues()] });
    expect(comparable(values)).toEqual(comparable(overlay));
  });

  it("take no value that the schema does not know, and document every one", () => {
    const schema = JSON.parse(readK8s("chart/values.schema.json"));
    const defaults = parse(readK8s("chart/values.yaml")) as Tree;
    const documented = allowedKeys(schema).filter((key) => !key.startsWith("global"));
    expect(
      documented.filter(
        (key) => key.split(".").reduce<unknown>((at, part) => (at as Tree)?.[part], defaults) === undefined,
      ),
    ).toEqual([]);
    const check = z.fromJSONSchema(schema);
    for (const values of [defaults, productionValues(), ...Object.values(OTHER_VALUES)]) {
      expect(check.safeParse(values).error?.issues ?? []).toEqual([]);
    }
    for (const wrong of [
      { natss: {} },
      { nats: { replica: 3 } },
      { nats: { replicas: 2 } },
      { actors: { autoscaling: "x" } },
    ]) {
      expect(check.safeParse(wrong).success).toBe(false);
    }
  });

  it("refuse what is not safe: passwords without TLS, an ingress without a token", () => {
    expect(() => helmTemplate(chart, { values: [{ nats: { auth: { enabled: true } } }] })).toThrow(/go together/);
    expect(() => helmTemplate(chart, { values: [{ gateway: { ingress: { enabled: true } } }] })).toThrow(/tokenSecret/);
  });

  it("say at the end of an installation what is still to do", () => {
    expect(helmNotes(chart)).toMatch(
      /port-forward service\/gateway[\s\S]*No token is set[\s\S]*single server[\s\S]*no users/,
    );
    expect(helmNotes(chart, { values: [productionValues()] })).not.toMatch(/No token|single server|no users/);
  });
});

describe("every pod", () => {
  const pods = (ask: (pod: Pod) => boolean) =>
    each((manifests) =>
      podsOf(manifests)
        .filter((pod) => !ask(pod))
        .map(({ owner }) => nameOf(owner)),
    );

  it("runs under the restricted profile, with a root file system that it cannot write, without a token", () => {
    expect(
      pods(({ spec }) => {
        const pod = spec.securityContext as Tree;
        const safe = containersOf({ spec: { template: { spec } } }).every(({ securityContext, volumeMounts }) => {
          const own = securityContext as Tree;
          const writes = own.readOnlyRootFilesystem === true && own.allowPrivilegeEscalation === false;
          const drops = JSON.stringify(own.capabilities) === '{"drop":["ALL"]}';
          return (
            writes &&
            drops &&
            own.privileged === undefined &&
            (volumeMounts === undefined || Array.isArray(volumeMounts))
          );
        });
        const mine = spec.automountServiceAccountToken === false && spec.serviceAccountName === "rayflow";
        const seccomp = (pod.seccompProfile as Tree).type === "RuntimeDefault";
        const host = ["hostNetwork", "hostPID", "hostIPC"].some((key) => spec[key] !== undefined);
        return safe && mine && seccomp && !host && pod.runAsNonRoot === true && Number(pod.runAsUser) > 0;
      }),
    ).toEqual([]);
  });

  it("asks for CPU and memory, and has a limit of memory and disk, and an image that is not latest", () => {
    expect(
      pods(({ spec }) =>
        containersOf({ spec: { template: { spec } } }).every(({ resources, image }) => {
          const { requests, limits } = resources as Record<string, Tree>;
          const asked = requests?.cpu && requests.memory && limits?.memory && limits["ephemeral-storage"];
          return (
            asked !== undefined && /^[^:]+(?:\/[^:]+)*(?::(?!latest$)[^:@]+|@sha256:[0-9a-f]{64})$/.test(String(image))
          );
        }),
      ),
    ).toEqual([]);
  });

  it("is asked whether it starts, lives and is ready, where it does not end by itself", () => {
    expect(
      pods(({ owner, spec }) => {
        if (owner.kind === "Job") return true;
        const [main] = containersOf({ spec: { template: { spec } } });
        return ["startupProbe", "livenessProbe", "readinessProbe"].every((probe) => main?.[probe] !== undefined);
      }),
    ).toEqual([]);
  });

  it("has longer than its drain between SIGTERM and SIGKILL", () => {
    const found = each((manifests) =>
      podsOf(manifests).flatMap(({ owner, spec }) => {
        const [main] = containersOf({ spec: { template: { spec } } });
        const args = (main?.args ?? []) as string[];
        if (args[0] !== "actor") return [];
        const drain = Number.parseInt(args[args.indexOf("--drain") + 1] ?? "0", 10);
        return drain >= 300 && Number(spec.terminationGracePeriodSeconds) > drain ? [] : [nameOf(owner)];
      }),
    );
    expect(found).toEqual([]);
  });

  it("is covered by a network policy of its own, and by a disruption budget unless it is a Job or keeps traces", () => {
    const found = each((manifests) =>
      podsOf(manifests).flatMap(({ owner, labels }) => {
        const by = (kind: string, key: string) =>
          ofKind(manifests, kind).some(({ spec }) => covers((spec as Tree)[key] as Tree, labels));
        const named = ofKind(manifests, "NetworkPolicy").some(({ spec }) =>
          covers((spec as Tree).podSelector as Tree, labels, { named: true }),
        );
        const exempt = owner.kind === "Job" || ["jaeger", "otel-collector"].includes(nameOf(owner));
        return named && (exempt || by("PodDisruptionBudget", "selector")) ? [] : [nameOf(owner)];
      }),
    );
    expect(found).toEqual([]);
  });

  it("finds what it refers to: ConfigMaps, claims, ports; Secrets are optional or told of in the docs", () => {
    const renderedOnly = new Set([
      "k8s render",
      "k8s render by type",
      "k8s render with HPA",
      "k8s render without autoscaler",
    ]);
    expect(
      each((manifests, title) =>
        unknownReferences(manifests, renderedOnly.has(title) ? ["rayflow-env", "deliberation-env"] : []),
      ),
    ).toEqual([]);
  });
});

describe("the whole", () => {
  it("denies all traffic that no policy allows", () => {
    const [policy] = ofKind(all.get("base") ?? [], "NetworkPolicy").filter((one) => nameOf(one) === "default-deny");
    expect(policy?.spec).toEqual({ podSelector: {}, policyTypes: ["Ingress", "Egress"] });
  });

  it("lies in one namespace, and names everything once", () => {
    expect(
      each((manifests, title) => {
        // Helm puts what names no namespace into that of the release.
        const inside = manifests.filter(({ kind }) => kind !== "Namespace");
        const outside = inside.filter(
          ({ metadata }) => (metadata as Tree).namespace !== (title.startsWith("chart") ? undefined : "rayflow"),
        );
        const ids = inside.map((one) => `${one.kind} ${nameOf(one)}`);
        return [...outside.map(nameOf), ...ids.filter((id, at) => ids.indexOf(id) !== at)];
      }),
    ).toEqual([]);
  });

  it("selects by its services only pods that are there", () => {
    expect(
      each((manifests) =>
        ofKind(manifests, "Service").flatMap((service) => {
          const selector = { matchLabels: (service.spec as Tree).selector };
          const found = podsOf(manifests).filter(({ labels }) => covers(selector, labels));
          return found.length === 1 ? [] : [nameOf(service)];
        }),
      ),
    ).toEqual([]);
  });

  it("spreads the three nats-servers of production over nodes, with every write synced and streams on all of them", () => {
    const production = all.get("overlays/production") ?? [];
    const [nats] = ofKind(production, "StatefulSet");
    expect(nats?.spec).toMatchObject({
      replicas: 3,
      template: { spec: { topologySpreadConstraints: [{ whenUnsatisfiable: "DoNotSchedule" }, {}] } },
    });
    const config = ofKind(production, "ConfigMap").find((one) => nameOf(one).startsWith("nats-config-"));
    expect(((config?.data ?? {}) as Tree)["jetstream.conf"]).toMatch(/^\s*sync_interval: always$/m);
    const [setup] = ofKind(production, "Job");
    expect(containersOf(setup ?? {})[0]?.args).toEqual(["nats", "setup", "--replicas", "3"]);
    expect(ofKind(production, "Deployment").find((one) => nameOf(one) === "orchestrator")?.spec).toMatchObject({
      replicas: 3,
    });
  });

  it("has a trigger on the durable of each type that the Deployment serves, and no other", () => {
    let triggers = 0;
    const wrong = each((manifests) =>
      ofKind(manifests, "ScaledObject").flatMap((scaled) => {
        const spec = scaled.spec as Tree & { scaleTargetRef: Tree; triggers: { metadata: Record<string, string> }[] };
        const target = ofKind(manifests, "Deployment").find((one) => nameOf(one) === spec.scaleTargetRef.name);
        const args = (containersOf(target ?? {})[0]?.args ?? []) as string[];
        const served = args[args.indexOf("--types") + 1]?.split(",").map(nodeConsumerName);
        const watched = spec.triggers.map(({ metadata }) => metadata.consumer);
        triggers += watched.length;
        const streams = new Set(spec.triggers.map(({ metadata }) => metadata.stream));
        const fits =
          JSON.stringify(served) === JSON.stringify(watched) && streams.size === 1 && streams.has(STREAMS.nodes);
        return fits && spec.fallback !== undefined ? [] : [nameOf(scaled)];
      }),
    );
    expect(wrong).toEqual([]);
    expect(triggers).toBeGreaterThan(200);
  });
});
