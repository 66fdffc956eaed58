import { type Command, InvalidArgumentError, Option } from "commander";
import { type Flow, RayflowError } from "../../flow/index.ts";
import type { GroupBy, Manifest, NeededTypes, Scaling, UserSecret } from "../../k8s/index.ts";
import { type CliContext, contextOf } from "../context.ts";
import { addNodesDirOption, type NodeFlags, wholeNumber } from "../stack-options.ts";
import { span } from "../topology-options.ts";

interface RenderFlags extends NodeFlags {
  readonly namespace: string;
  readonly image?: string;
  readonly groupBy: GroupBy;
  readonly min?: number;
  readonly max?: number;
  readonly lag?: number;
  readonly hpa?: boolean;
  readonly keda: boolean;
  readonly drain?: number;
  readonly internet?: readonly string[];
  readonly all?: boolean;
  readonly secrets?: string;
  readonly auth: string;
  readonly restricted?: boolean;
  readonly only?: readonly string[];
  readonly natsAccount?: string;
}

const MAX_REPLICAS = 1_000;
const NAMESPACE = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;

export function register(program: Command): void {
  acceptYaml(program);
  const k8s = program.command("k8s").description("what RayFlow needs on a Kubernetes cluster");
  addNodesDirOption(
    k8s
      .command("render")
      .description("print the Deployments, autoscalers and permissions that flows need, for kubectl apply -f -")
      .argument("[flow...]", "flows' JSON files, - for standard input, or names of deployed flows"),
  )
    .option("--all", "all node types that are known here, whatever flows need")
    .option("--namespace <name>", "where RayFlow runs", namespace, "rayflow")
    .option("--image <image>", "RayFlow's image, with your nodes in it (default: rayflow:<this version>)")
    .addOption(
      new Option("--group-by <what>", "one Deployment for each node type, or for each category of types")
        .choices(["type", "category"])
        .default("category"),
    )
    .option("--min <n>", "fewest replicas (default: 0 with KEDA, else 1)", wholeNumber("--min", 0, MAX_REPLICAS))
    .option("--max <n>", "most replicas (default 10)", wholeNumber("--max", 1, MAX_REPLICAS))
    .option("--lag <n>", "messages in a queue for each replica (default 20)", wholeNumber("--lag", 1, 1_000_000))
    .option("--hpa", "scale by CPU, without KEDA")
    .option("--no-keda", "no autoscaler; with --hpa: that one")
    .option(
      "--drain <duration>",
      "how long a stopping actor may work on, at least the nodes' timeout (default 5m)",
      span("--drain"),
    )
    .option("--secrets <folder>", "where the secrets of NATS users are kept, and made when they are not there")
    .option("--auth <kind>", "what is made for a user: nkey or password", "nkey")
    .option("--restricted", "actors have the rights of their role alone (implied by --secrets)")
    .option("--only <kind...>", "only objects of these kinds: Secret, Deployment, ...")
    .option("--internet <type...>", "node types of yours that call out of the cluster")
    .option("--nats-account <name>", "the NATS account with RayFlow's streams (default RAYFLOW)")
    .action(async (files: string[], flags: RenderFlags, self: Command) => {
      const context = contextOf(self);
      if (files.length === 0 && flags.all !== true) {
        throw new RayflowError("UsageError", "name flows, or --all for all node types");
      }
      const manifests = onlyKinds(await render(context, files, flags), flags.only);
      const { toList, toYaml } = await import("../../k8s/index.ts");
      if (context.output.format === "table") context.output.print(toYaml(manifests).trimEnd());
      else context.output.json(toList(manifests));
    });
}

async function render(context: CliContext, files: readonly string[], flags: RenderFlags): Promise<Manifest[]> {
  const { output } = context;
  const [k8s, { packageVersion }] = await Promise.all([import("../../k8s/index.ts"), import("../package-info.ts")]);
  const { needed, serverOnly } = await neededBy(context, files, flags);
  for (const { flow, subflow } of needed.missing) {
    output.note(`the subflow ${subflow} of ${flow} is not found: what it needs is not here. Name its file too`);
  }
  for (const type of needed.unknown) output.note(`nobody declares the node type ${type}, which a subflow names`);
  for (const type of serverOnly) output.note(`${type} is known from the server alone: the image must have it`);
  const types = new Set(needed.types.map(({ type }) => type));
  for (const type of flags.internet ?? []) {
    if (!types.has(type)) throw new RayflowError("UsageError", `--internet: no flow here uses the node type ${type}`);
  }
  const scaling: Scaling = flags.hpa === true ? "hpa" : flags.keda ? "keda" : "none";
  if (flags.min !== undefined && flags.min > (flags.max ?? Math.max(flags.min, 10))) {
    throw new RayflowError("UsageError", "--min is not above --max");
  }
  const manifests = k8s.renderTypes(needed.types, {
    settings: k8s.clusterSettings({
      image: flags.image ?? `rayflow:${packageVersion()}`,
      namespace: flags.namespace,
      ...(flags.natsAccount === undefined ? {} : { natsAccount: flags.natsAccount }),
      ...(flags.drain === undefined ? {} : { drainSeconds: Math.ceil(flags.drain / 1000) }),
    }),
    groupBy: flags.groupBy,
    scaling,
    scale: { minReplicas: flags.min, maxReplicas: flags.max, lagThreshold: flags.lag },
    internet: new Set(flags.internet),
    restricted: flags.restricted === true || flags.secrets !== undefined,
    secretOf: flags.secrets === undefined ? undefined : await secretsIn(flags.secrets, flags.auth),
  });
  if (manifests.length === 0) output.note("these flows need no actors: the orchestrator does all of it");
  return manifests;
}

interface Needs {
  readonly needed: NeededTypes;
  /** Types that this installation does not have. */
  readonly serverOnly: readonly string[];
}

/** @throws InvalidFlow, UsageError, FlowNotFound */
async function neededBy(context: CliContext, files: readonly string[], flags: RenderFlags): Promise<Needs> {
  const [{ neededTypes }, { resolveFlowArgument }, { knownTypes }, { checkFlow }, { openDeployed }] = await Promise.all(
    [
      import("../../k8s/index.ts"),
      import("../flow-argument.ts"),
      import("../known-types.ts"),
      import("../../flow/index.ts"),
      import("../deployed-flows.ts"),
    ],
  );
  const known = await knownTypes(context, flags, "rayflow k8s render");
  for (const problem of known.problems) context.output.note(`not loaded: ${problem}`);
  const types = new Map([...known.types].map(([type, { nodeType }]) => [type, nodeType]));
  await using deployed = await openDeployed(context, "rayflow k8s render");
  const flows: Flow[] = [];
  for (const file of files) {
    const argument = await resolveFlowArgument(file);
    const json = "flow" in argument ? argument.flow : await deployed.get(argument.flowRef);
    const { flow, valid, errors, warnings } = checkFlow(json, types);
    if (!valid || flow === undefined) {
      throw new RayflowError("InvalidFlow", `${file} is no valid flow`, { details: { errors, warnings } });
    }
    flows.push(flow);
  }
  if (flags.all === true) {
    const sorted = [...types.values()].sort((a, b) => (a.type < b.type ? -1 : 1));
    return { needed: { types: sorted, missing: [], unknown: [] }, serverOnly: [] };
  }
  const needed = await neededTypes(flows, types, (reference) => deployed.find(reference));
  const serverOnly = needed.types.flatMap(({ type, kind }) =>
    kind === "actor" && known.types.get(type)?.source === "server" ? [type] : [],
  );
  return { needed, serverOnly };
}

/** What each NATS user shows, from a folder that `rayflow nats auth render --secrets` shares. */
async function secretsIn(folder: string, auth: string): Promise<(user: string) => UserSecret> {
  if (auth !== "nkey" && auth !== "password") {
    throw new RayflowError("UsageError", `--auth is nkey or password, not ${auth}`);
  }
  const [{ keepSecret }, { readFileSync }, { resolve }] = await Promise.all([
    import("../auth-secrets.ts"),
    import("node:fs"),
    import("node:path"),
  ]);
  return (user) => {
    const { secret, file } = keepSecret(resolve(folder), user, auth);
    return { secret, own: file === undefined ? "" : readFileSync(file, "utf8").trim() };
  };
}

function onlyKinds(manifests: readonly Manifest[], kinds: readonly string[] | undefined): readonly Manifest[] {
  if (kinds === undefined) return manifests;
  const wanted = new Set(kinds.flatMap((kind) => kind.split(",")).map((kind) => kind.toLowerCase()));
  const found = manifests.filter(({ kind }) => wanted.has(kind.toLowerCase()));
  for (const kind of wanted) {
    if (manifests.some((one) => one.kind.toLowerCase() === kind)) continue;
    const known = [...new Set(manifests.map((one) => one.kind))].join(", ");
    throw new RayflowError("UsageError", `--only: there is no ${kind} here; there are ${known}`);
  }
  return found;
}

/** What this command prints when nobody asks for JSON is YAML: so `-o yaml` is a format here. */
function acceptYaml(program: Command): void {
  const output = program.options.find(({ long }) => long === "--output");
  const parse = output?.parseArg;
  output?.argParser((text, before: unknown) => (text === "yaml" ? "table" : parse?.(text, before)));
}

function namespace(text: string): string {
  if (NAMESPACE.test(text)) return text;
  throw new InvalidArgumentError("a namespace has a-z, 0-9 and -, 63 at most");
}
