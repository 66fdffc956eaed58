/** What `rayflow k8s render` prints is what the flows need: types through subflows, groups, scaling, permissions. */
import { beforeAll, describe, expect, it } from "vitest";
import type { Flow, NodeType, NodeTypes } from "../flow/index.ts";
import { flowBuilder } from "../flow/testing.ts";
import { actorGroups, type Manifest, neededTypes } from "../k8s/index.ts";
import { nodeConsumerName } from "../nats/index.ts";
import type { Tree } from "./k8s/patches.ts";
import { containersOf } from "./k8s/questions.ts";
import { builtinTypes, rendered } from "./k8s/renderings.ts";

let types: NodeTypes;
let all: readonly NodeType[];

beforeAll(async () => {
  all = await builtinTypes();
  types = new Map(all.map((type) => [type.type, type]));
});

const none = async () => undefined;
const ofKind = (manifests: readonly Manifest[], kind: string) => manifests.filter((one) => one.kind === kind);
const specOf = (manifest: Manifest | undefined) => (manifest?.spec ?? {}) as Tree;
const triggersOf = (manifests: readonly Manifest[]) =>
  ofKind(manifests, "ScaledObject").flatMap((one) => specOf(one).triggers as { metadata: Record<string, string> }[]);

/** A flow of these types, and of subflows by name or as a whole. */
function flowOf(name: string, nodeTypes: readonly string[], ...subflows: readonly unknown[]): Flow {
  const builder = flowBuilder({ name }).node("start", "start").node("end", "return");
  for (const [at, type] of nodeTypes.entries()) builder.node(`n${at}`, type);
  for (const [at, flow] of subflows.entries()) builder.node(`s${at}`, "control_subflow", { config: { flow } });
  return builder.build();
}

describe("the types that flows need", () => {
  const names = async (flows: readonly Flow[], find: (reference: string) => Promise<unknown> = none) => {
    const needed = await neededTypes(flows, types, find);
    const actors = needed.types.filter(({ kind }) => kind === "actor").map(({ type }) => type);
    return { ...needed, types: actors };
  };

  it("are those of all flows together, each once, sorted", async () => {
    const flows = [flowOf("a", ["string_upper", "math_add"]), flowOf("b", ["math_add", "logic_branch"])];
    expect((await names(flows)).types).toEqual(["logic_branch", "math_add", "string_upper"]);
  });

  it("are also those of subflows: inside the flow, given beside it, deployed, and theirs in turn", async () => {
    const deployed: Record<string, Flow> = {
      far: flowOf("far", ["math_multiply"], "farther"),
      farther: flowOf("farther", ["math_divide"], "far"),
    };
    const flows = [
      flowOf("a", ["math_add"], flowOf("inner", ["math_floor"]), "near", "far"),
      flowOf("near", ["math_subtract"]),
    ];
    const found = await names(flows, async (reference) => deployed[reference]);
    expect(found.types).toEqual(["math_add", "math_divide", "math_floor", "math_multiply", "math_subtract"]);
    expect(found.missing).toEqual([]);
  });

  it("are of the version that is asked for, where it is deployed; else of the flow beside it", async () => {
    const flows = [flowOf("a", [], "near@v1"), flowOf("near", ["math_add"])];
    const find = async (reference: string) => (reference === "near@v1" ? flowOf("near", ["math_floor"]) : undefined);
    expect((await names(flows, find)).types).toEqual(["math_add", "math_floor"]);
    expect((await names(flows)).types).toEqual(["math_add"]);
  });

  it("leave out what nobody knows, and say so", async () => {
    const found = await names([flowOf("a", ["math_add"], "nowhere", flowOf("inner", ["not_there"]))]);
    expect(found.types).toEqual(["math_add"]);
    expect(found.missing).toEqual([{ flow: "a", subflow: "nowhere" }]);
    expect(found.unknown).toEqual(["not_there"]);
  });

  it("end with flows that call each other", async () => {
    const flows = [flowOf("a", ["math_add"], "b"), flowOf("b", ["math_floor"], "a", "b")];
    expect((await names(flows)).types).toEqual(["math_add", "math_floor"]);
  });
});

describe("groups", () => {
  const type = (name: string, category = "mine") => ({ type: name, category, kind: "actor" }) as const;

  it("have names that Kubernetes takes and no two of them share", () => {
    const odd = ["a_b", "a__b", "a_b_", `${"x".repeat(60)}_one`, `${"x".repeat(60)}_two`, "a"].map((name) =>
      type(name),
    );
    const groups = actorGroups(odd, "type").map(({ name }) => name);
    expect(new Set(groups).size).toBe(odd.length);
    for (const name of groups) expect(name).toMatch(/^actor-(?=.{1,48}$)[a-z0-9]([a-z0-9-]*[a-z0-9])?$/);
    const named = actorGroups([type("t1", "My Nodes"), type("t2", "my-nodes")], "category").map(({ name }) => name);
    expect(new Set(named).size).toBe(2);
  });

  it("have none of the types that the orchestrator runs", () => {
    expect(actorGroups(all, "type").flatMap((group) => group.types)).not.toContain("control_subflow");
    expect(rendered([...all].filter(({ kind }) => kind !== "actor"))).toEqual([]);
  });

  it("reach the internet only where their code calls out, and models only where it asks them", () => {
    const egress = (manifests: readonly Manifest[], name: string) =>
      JSON.stringify(specOf(ofKind(manifests, "NetworkPolicy").find(({ metadata }) => metadata.name === name)).egress);
    const manifests = rendered(all, { groupBy: "type", internet: new Set(["math_add"]) });
    expect(egress(manifests, "actor-io-http-request")).toMatch(/0\.0\.0\.0\/0.*169\.254\.0\.0\/16/);
    expect(egress(manifests, "actor-math-add")).toContain("0.0.0.0/0");
    expect(egress(manifests, "actor-io-file-read")).not.toContain("0.0.0.0/0");
    expect(egress(manifests, "actor-math-floor")).not.toContain("vllm");
  });
});

describe("what is rendered", () => {
  it("is the same text for the same types in any order", () => {
    expect(rendered([...all].reverse())).toEqual(rendered(all));
  });

  it("goes down to none with KEDA, to one with an HPA, and leaves replicas to whichever scales", () => {
    const [scaled] = ofKind(rendered(all), "ScaledObject");
    expect(scaled?.spec).toMatchObject({ minReplicaCount: 0, maxReplicaCount: 10 });
    const [hpa] = ofKind(rendered(all, { scaling: "hpa" }), "HorizontalPodAutoscaler");
    expect(hpa?.spec).toMatchObject({ minReplicas: 1, maxReplicas: 10 });
    const replicas = (scaling: "keda" | "hpa" | "none") =>
      specOf(ofKind(rendered(all, { scaling, scale: { minReplicas: 2 } }), "Deployment")[0]).replicas;
    expect([replicas("keda"), replicas("hpa"), replicas("none")]).toEqual([undefined, undefined, 2]);
  });

  it("sets the durables up before what scales on them", () => {
    const manifests = rendered(all);
    const kinds = manifests.map(({ kind }) => kind);
    expect(kinds.indexOf("Job")).toBeLessThan(kinds.indexOf("Deployment"));
    expect(kinds.lastIndexOf("Deployment")).toBeLessThan(kinds.indexOf("ScaledObject"));
    const [setup] = ofKind(manifests, "Job");
    const args = containersOf(setup ?? {})[0]?.args as string[];
    const watched = triggersOf(manifests).map(({ metadata }) => metadata.consumer);
    expect(args.at(-1)?.split(",").map(nodeConsumerName)).toEqual(watched.sort());
  });

  it("is another Job when the types or the image are others, for a Job cannot be changed", () => {
    const job = (some: readonly NodeType[]) => ofKind(rendered(some), "Job")[0]?.metadata.name;
    const fewer = all.filter(({ type }) => type === "math_add");
    expect(job(all)).toBe(job([...all].reverse()));
    expect(job(all)).not.toBe(job(fewer));
  });

  it("has a user for each Deployment with the rights of its types alone; without secrets, claims to sign", () => {
    const some = all.filter(({ type }) => ["math_add", "string_upper"].includes(type));
    const secretOf = (user: string) => ({
      secret: { kind: "nkey" as const, publicKey: `U-${user}` },
      own: `S-${user}`,
    });
    const secrets = new Map(
      ofKind(rendered(some, { secretOf, restricted: true }), "Secret").map(({ metadata, stringData }) => [
        metadata.name,
        stringData as Record<string, string>,
      ]),
    );
    expect([...secrets.keys()]).toEqual([
      "nats-actor-math",
      "nats-actor-string",
      "nats-auth",
      "nats-gateway",
      "nats-orchestrator",
    ]);
    expect(secrets.get("nats-actor-math")).toMatchObject({
      NATS_NKEY: "/etc/nats-user/user.nk",
      "user.nk": "S-actor-math",
      NATS_INBOX_PREFIX: "_INBOX.actor-math",
    });
    const config = secrets.get("nats-auth")?.["auth.conf"] ?? "";
    expect(config).toContain("U-actor-math");
    expect(config).not.toContain("S-actor-math");
    const own = config.slice(config.indexOf('"RAYFLOW-actor-math"'), config.indexOf('"RAYFLOW-actor-string"'));
    expect(own).toContain("rayflow.result.math_add.*");
    expect(own).not.toContain("string_upper");
    const withCouncil = ofKind(rendered(all, { secretOf, restricted: true }), "Secret");
    const services = withCouncil.filter(({ metadata }) => /^nats-(executor|context)$/.test(metadata.name));
    expect(services.map(({ metadata, stringData }) => [metadata.name, stringData])).toEqual(
      ["context", "executor"].map((user) => [
        `nats-${user}`,
        { NATS_NKEY: "/etc/nats-user/user.nk", "user.nk": `S-${user}`, NATS_INBOX_PREFIX: `_INBOX.${user}` },
      ]),
    );
    const claims = ofKind(rendered(some), "ConfigMap")[0]?.data as Record<string, string>;
    expect(JSON.parse(claims["accounts.json"] ?? "")[0].name).toBe("RAYFLOW");
  });
});
