/**
 * The rendered NATS configuration on a real nats-server, `rayflow nats setup` on it, and what KEDA would read there:
 * whether each trigger that `rayflow k8s render` prints finds its durable, and its lag.
 */
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { parseAllDocuments } from "yaml";
import { connectNats, findServerBinary } from "../nats/index.ts";
import { kustomizeBuild } from "./k8s/kustomize.ts";
import type { Tree } from "./k8s/patches.ts";
import { containersOf } from "./k8s/questions.ts";
import { builtinTypes, k8sFolder, renderings } from "./k8s/renderings.ts";
import { makeCertificates } from "./permissions/certificates.ts";
import { rayflow, root, temporaryFolder } from "./rayflow-process.ts";

const folder = temporaryFolder("rayflow-k8s-");
let server: ChildProcess | undefined;
let binary: string;
let url: string;
let monitoring: string;

beforeAll(async () => {
  binary = (await findServerBinary()).path;
  const [client, monitor] = [await freePort(), await freePort()];
  url = `nats://127.0.0.1:${client}`;
  monitoring = `127.0.0.1:${monitor}`;
  const config = writeConfig("base", (text) =>
    text
      .replace("0.0.0.0:4222", `127.0.0.1:${client}`)
      .replace("0.0.0.0:8222", monitoring)
      .replace("/tmp/nats.pid", path.join(folder.path, "nats.pid"))
      .replace('"/data"', JSON.stringify(path.join(folder.path, "data"))),
  );
  server = spawn(binary, ["--config", config], { env: { ...process.env, POD_NAME: "nats-0" }, stdio: "ignore" });
  await vi.waitFor(
    async () => {
      expect((await fetch(`http://${monitoring}/healthz?js-server-only=true`)).ok).toBe(true);
    },
    { timeout: 30_000, interval: 100 },
  );
});

afterAll(async () => {
  const ended = new Promise((resolve) => server?.once("exit", resolve) ?? resolve(undefined));
  server?.kill("SIGTERM");
  await ended;
  folder.remove();
});

describe("the rendered configuration of NATS", () => {
  it("is one that nats-server takes: with users from k8s render, TLS and a cluster too", async () => {
    const certificates = await makeCertificates(folder.path);
    const secrets = await renderObjects(["--all", "--secrets", path.join(folder.path, "secrets"), "--only", "Secret"]);
    const auth = secrets.find(({ metadata }) => (metadata as Tree).name === "nats-auth")?.stringData as Tree;
    const config = writeConfig("overlays/production", (text) =>
      text
        .replace("/etc/nats-tls/tls.crt", certificates.server.cert)
        .replace("/etc/nats-tls/tls.key", certificates.server.key)
        .replace("/etc/nats-tls/ca.crt", certificates.ca),
    );
    writeFileSync(path.join(path.dirname(config), "auth.conf"), String(auth["auth.conf"]));
    expect(await check(config)).toMatch(/is valid/);
    // What proves that it reads all of it: without the users' file it does not.
    writeFileSync(path.join(path.dirname(config), "auth.conf"), "accounts {");
    expect(await check(config)).not.toMatch(/is valid/);
  });
});

describe("rayflow nats setup", () => {
  it("makes streams and durables, and the second time finds them", async () => {
    const first = await rayflow(["nats", "setup", "--server", url, "--json"]);
    expect({ code: first.code, stderr: first.stderr }).toMatchObject({ code: 0 });
    const made = JSON.parse(first.stdout) as { types: string[] };
    expect(made.types).toContain("math_add");
    expect(JSON.parse((await rayflow(["nats", "setup", "--server", url, "--json"])).stdout)).toEqual(made);
  });

  it("leaves nothing for KEDA to miss: each trigger finds its durable, and a message in the queue starts one group", async () => {
    const manifests = await renderObjects(["--all"]);
    const scaled = manifests.filter(({ kind }) => kind === "ScaledObject");
    expect(scaled.length).toBeGreaterThan(5);
    expect((await lags(scaled)).filter(([, lag]) => lag !== 0)).toEqual([]);
    const nc = await connectNats({ name: "test", servers: url });
    try {
      await nc.request("rayflow.node.math_add", "{}");
      expect((await lags(scaled)).filter(([, lag]) => lag !== 0)).toEqual([["actor-math math_add", 1]]);
    } finally {
      await nc.close();
    }
  });
});

describe("the commands of pods", () => {
  it("are there, with the options that pods give them", async () => {
    const flags = new Map<string, Set<string>>();
    for (const { image, args } of [...renderings(await builtinTypes()).values()].flat().flatMap(containersOf)) {
      if (!/(?:^|\/)rayflow[:@]/.test(String(image))) continue;
      const words = args as string[];
      const end = words.findIndex((word) => word.startsWith("-"));
      const command = words.slice(0, end === -1 ? undefined : end).join(" ");
      const known = flags.get(command) ?? new Set<string>();
      for (const word of words) if (word.startsWith("--")) known.add(word);
      flags.set(command, known);
    }
    expect([...flags.keys()].sort()).toEqual(
      ["actor", "context", "executor", "executor setup", "gateway", "monitoring", "nats setup", "orchestrator"].sort(),
    );
    const missing = await Promise.all(
      [...flags].map(async ([command, used]) => {
        const { code, stdout } = await rayflow([...command.split(" "), "--help"]);
        const asked = stdout.startsWith(`Usage: rayflow ${command} `) && code === 0;
        return [...used]
          .filter((flag) => !asked || !new RegExp(`${flag}\\b`).test(stdout))
          .map((flag) => `${command} ${flag}`);
      }),
    );
    expect(missing.flat()).toEqual([]);
  });
});

describe("rayflow k8s render", () => {
  const flow = path.join(root, "examples", "flows", "counter.json");

  it("prints the same YAML each time, and as JSON one List of the same objects", async () => {
    const [yaml, again, json] = await Promise.all([
      rayflow(["k8s", "render", flow, "-o", "yaml"]),
      rayflow(["k8s", "render", flow]),
      rayflow(["k8s", "render", flow, "-o", "json"]),
    ]);
    expect(yaml.code).toBe(0);
    expect(yaml.stdout).toBe(again.stdout);
    const documents = parseAllDocuments(yaml.stdout).map((document) => document.toJS());
    expect(JSON.parse(json.stdout)).toEqual({ apiVersion: "v1", kind: "List", items: documents });
    const names = documents.filter(({ kind }) => kind === "Deployment").map(({ metadata }) => metadata.name);
    expect(names).toEqual(["actor-math", "actor-variables"]);
  });

  it("finds deployed flows on the server that is named, and says which subflows it does not find", async () => {
    const { flow: counter } = await exampleFlow();
    const inner = { ...counter, name: "inner" };
    const outer = {
      name: "outer",
      nodes: [
        { id: "start", type: "start" },
        { id: "one", type: "control_subflow", config: { flow: "inner" } },
        { id: "two", type: "control_subflow", config: { flow: "nowhere" } },
        { id: "end", type: "return" },
      ],
      edges: [
        { id: "a", source: "start", target: "one" },
        { id: "b", source: "one", target: "two" },
        { id: "c", source: "two", target: "end" },
      ].map((edge) => ({ ...edge, sourceHandle: "exec-out", targetHandle: "exec-in" })),
    };
    const deployed = await rayflow(["deploy", "-", "--server", url], { input: JSON.stringify(inner) });
    expect(deployed.code).toBe(0);
    const byName = await rayflow(["k8s", "render", "inner", "--server", url]);
    expect(byName.stdout).toContain("name: actor-math");
    const bySubflow = await rayflow(["k8s", "render", "-", "--server", url], { input: JSON.stringify(outer) });
    expect(bySubflow.stderr).toMatch(/subflow nowhere of outer is not found/);
    expect(bySubflow.stdout).toBe(byName.stdout);
    const without = await rayflow(["k8s", "render", "-"], { input: JSON.stringify(outer) });
    expect(without.stdout).not.toContain("actor-math");
  });

  it("refuses what is off, with exit code 2", async () => {
    const bad = path.join(root, "examples", "flows", "invalid-unknown-type.json");
    const calls = [[], [bad], [flow, "--min", "5", "--max", "2"]];
    const codes = await Promise.all(calls.map((args) => rayflow(["k8s", "render", ...args]).then(({ code }) => code)));
    expect(codes).toEqual([2, 2, 2]);
  });
});

async function exampleFlow(): Promise<{ flow: Tree }> {
  const { readFile } = await import("node:fs/promises");
  return JSON.parse(await readFile(path.join(root, "examples", "flows", "counter.json"), "utf8")) as { flow: Tree };
}

async function renderObjects(args: readonly string[]): Promise<Tree[]> {
  const { code, stdout, stderr } = await rayflow(["k8s", "render", ...args, "-o", "json"]);
  expect({ code, stderr }).toMatchObject({ code: 0 });
  return (JSON.parse(stdout) as { items: Tree[] }).items;
}

/** Writes the nats-config of an overlay, changed, and gives the path of nats.conf. */
function writeConfig(overlay: string, change: (text: string) => string): string {
  const config = kustomizeBuild(path.join(k8sFolder, overlay)).find(
    ({ kind, metadata }) => kind === "ConfigMap" && String((metadata as Tree).name).startsWith("nats-config-"),
  );
  const target = path.join(folder.path, overlay.replace("/", "-"));
  mkdirSync(target, { recursive: true });
  for (const [file, text] of Object.entries(config?.data as Record<string, string>)) {
    writeFileSync(path.join(target, file), change(text));
  }
  return path.join(target, "nats.conf");
}

/** What nats-server says of a configuration. */
function check(config: string): Promise<string> {
  return new Promise((resolve) => {
    execFile(binary, ["-t", "-c", config], { env: { ...process.env, POD_NAME: "nats-0" } }, (_, stdout, stderr) =>
      resolve(stdout + stderr),
    );
  });
}

interface Monitored {
  readonly account_details?: readonly {
    readonly name: string;
    readonly stream_detail: readonly {
      readonly name: string;
      readonly consumer_detail?: readonly { name: string; num_pending: number; num_ack_pending: number }[];
    }[];
  }[];
}

/** The lag of each trigger, read as KEDA's nats-jetstream scaler reads it; -1 where it would find no durable. */
async function lags(scaledObjects: readonly Tree[]): Promise<[string, number][]> {
  const found: [string, number][] = [];
  const answers = new Map<string, Monitored>();
  for (const { metadata, spec } of scaledObjects) {
    for (const { metadata: trigger } of (spec as { triggers: { metadata: Record<string, string> }[] }).triggers) {
      const asked = `http://${monitoring}/jsz?acc=${trigger.account}&consumers=true&config=true`;
      const answer = answers.get(asked) ?? ((await (await fetch(asked)).json()) as Monitored);
      answers.set(asked, answer);
      const account = answer.account_details?.find(({ name }) => name === trigger.account);
      const stream = account?.stream_detail.find(({ name }) => name === trigger.stream);
      const durable = stream?.consumer_detail?.find(({ name }) => name === trigger.consumer);
      const lag = durable === undefined ? -1 : durable.num_pending + durable.num_ack_pending;
      found.push([`${(metadata as Tree).name} ${trigger.consumer}`, lag]);
    }
  }
  return found;
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer().once("error", reject);
    probe.listen(0, "127.0.0.1", () => {
      const address = probe.address();
      probe.close(() => resolve(typeof address === "object" && address !== null ? address.port : 0));
    });
  });
}
