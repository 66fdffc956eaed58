/**
 * The flows that people keep on a server: working copies, and what of them is deployed, under one name each. For the HTTP
 * API and for `rayflow.svc.flows.*`.
 */
import type { NatsConnection } from "@nats-io/transport-node";
import { type FlowIssue, type NodeTypes, RayflowError } from "../flow/index.ts";
import { ensureTopology } from "../nats/index.ts";
import { type DeployedFlow, type DraftSummary, FlowDrafts, FlowRegistry } from "../store/index.ts";

/** `draft`: never deployed; `changed`: the working copy is another one than what is deployed. */
export type FlowStatus = "draft" | "deployed" | "changed";

export interface FlowListing {
  readonly name: string;
  readonly status: FlowStatus;
  /** The deployed version. */
  readonly version?: string;
  /** Of the working copy. */
  readonly revision?: number;
  /** ISO 8601. */
  readonly saved_at?: string;
  readonly deployed_at?: string;
  readonly nodes: number;
}

export interface FlowContent {
  readonly name: string;
  readonly flow: unknown;
  /** Of the working copy; 0 when there is none. */
  readonly revision: number;
  /** The deployed version; of `flow` itself when that is one. */
  readonly version?: string;
  readonly saved_at?: string;
}

export interface FlowDeployment {
  readonly name: string;
  readonly version: string;
  /** False: this very version was deployed already. */
  readonly changed: boolean;
  readonly warnings: readonly FlowIssue[];
}

export class FlowLibrary {
  readonly #registry: FlowRegistry;
  readonly #drafts: FlowDrafts;

  private constructor(registry: FlowRegistry, drafts: FlowDrafts) {
    this.#registry = registry;
    this.#drafts = drafts;
  }

  static async open(nc: NatsConnection): Promise<FlowLibrary> {
    await ensureTopology(nc);
    return new FlowLibrary(await FlowRegistry.open(nc), await FlowDrafts.open(nc));
  }

  /** By name. */
  async list(): Promise<FlowListing[]> {
    const [drafts, deployed] = await Promise.all([this.#drafts.list(), this.#registry.list()]);
    const byName = new Map(deployed.map((flow) => [flow.name, flow]));
    const listed = drafts.map((draft) => listing(draft.name, draft, byName.get(draft.name)));
    const drafted = new Set(drafts.map(({ name }) => name));
    const others = deployed.filter(({ name }) => !drafted.has(name));
    listed.push(...(await Promise.all(others.map((flow) => this.#deployedListing(flow)))));
    return listed.sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  async #deployedListing(flow: DeployedFlow): Promise<FlowListing> {
    // Versions never change, so that this is read once.
    const version = await this.#registry.find(`${flow.name}@${flow.version}`);
    return listing(flow.name, undefined, flow, version?.flow.nodes.length);
  }

  /** The working copy, else what is deployed; or one of the versions. @throws FlowNotFound, ValidationError */
  async get(name: string, version?: string): Promise<FlowContent> {
    if (version !== undefined) {
      const found = await this.#registry.find(`${name}@${version}`);
      if (found === undefined) throw await this.#registry.notFound(`${name}@${version}`);
      return { name, flow: found.flow, revision: 0, version: found.version };
    }
    const [draft, deployed] = await Promise.all([this.#drafts.get(name), this.#deployed(name)]);
    const active = deployed === undefined ? {} : { version: deployed.version };
    if (draft !== undefined) {
      return { name, flow: draft.flow, revision: draft.revision, ...active, saved_at: iso(draft.savedMs) };
    }
    const found = deployed && (await this.#registry.find(`${name}@${deployed.version}`));
    if (found === undefined) throw await this.#notFound(name);
    return { name, flow: found.flow, revision: 0, ...active };
  }

  /** Keeps the working copy, valid or not. `expected`: see FlowDrafts. @throws RevisionConflict, ValidationError, PayloadTooLarge */
  async save(name: string, flow: Readonly<Record<string, unknown>>, expected?: number): Promise<DraftSummary> {
    return this.#drafts.save(name, flow, expected);
  }

  /**
   * Keeps the first working copy of a name that nobody uses: one that is only deployed is in use too.
   * @throws RevisionConflict, ValidationError, PayloadTooLarge
   */
  async create(name: string, flow: Readonly<Record<string, unknown>>): Promise<DraftSummary> {
    const deployed = await this.#deployed(name);
    if (deployed === undefined) return this.save(name, flow, 0);
    const message = `there is a deployed flow ${name} already`;
    throw new RayflowError("RevisionConflict", message, { details: { name, revision: 0, version: deployed.version } });
  }

  /** Makes the working copy what runs. @throws FlowNotFound, InvalidFlow, RevisionConflict */
  async deploy(name: string, types: NodeTypes, expected?: number): Promise<FlowDeployment> {
    const draft = await this.#drafts.get(name);
    if (draft === undefined) throw await this.#notFound(name, "there is no working copy of it to deploy");
    if (expected !== undefined && expected !== draft.revision) {
      const message = `somebody else has changed ${name} meanwhile: it is at revision ${draft.revision} now`;
      throw new RayflowError("RevisionConflict", message, { details: { name, revision: draft.revision } });
    }
    const { deployed, changed, warnings } = await this.#registry.deploy(draft.flow, { types, name });
    return { name, version: deployed.version, changed, warnings };
  }

  /** Makes an earlier version what runs; the working copy stays as it is. @throws FlowNotFound */
  async activate(name: string, version: string): Promise<FlowDeployment> {
    const { deployed, changed, warnings } = await this.#registry.activate(name, version);
    return { name, version: deployed.version, changed, warnings };
  }

  /** The working copy and the deployment. @throws FlowNotFound, RevisionConflict */
  async delete(name: string, expected?: number): Promise<void> {
    const hadDraft = await this.#drafts.delete(name, expected);
    const wasDeployed = (await this.#deployed(name)) !== undefined && (await this.#registry.delete(name));
    if (!hadDraft && !wasDeployed) throw await this.#notFound(name);
  }

  /** `name@version` of what `name` or `name@version` means now. @throws FlowNotFound, ValidationError */
  async pin(ref: string): Promise<string> {
    const found = await this.#registry.find(ref);
    if (found === undefined) throw await this.#registry.notFound(ref);
    return `${found.name}@${found.version}`;
  }

  /** Newest first. @throws FlowNotFound when there is neither a version nor a working copy */
  async versions(name: string): Promise<{ version: string; label?: string; deployed_at: string; current: boolean }[]> {
    const deployed = await this.#registry.get(name);
    if (deployed === undefined) {
      if ((await this.#drafts.get(name)) === undefined) throw await this.#notFound(name);
      return [];
    }
    const versions = deployed.versions.map(({ version, label, deployed_at }) => ({
      version,
      ...(label === undefined ? {} : { label }),
      deployed_at: iso(deployed_at),
      current: version === deployed.version && deployed.deleted !== true,
    }));
    return versions.reverse();
  }

  async #deployed(name: string): Promise<DeployedFlow | undefined> {
    const found = await this.#registry.get(name);
    return found?.deleted === true ? undefined : found;
  }

  async #notFound(name: string, why?: string): Promise<RayflowError> {
    if (why !== undefined && (await this.#deployed(name)) !== undefined) return new RayflowError("FlowNotFound", why);
    const shown = name.slice(0, 100);
    return new RayflowError("FlowNotFound", `there is no flow ${JSON.stringify(shown)}, neither saved nor deployed`);
  }
}

function listing(
  name: string,
  draft: DraftSummary | undefined,
  deployed: DeployedFlow | undefined,
  nodes = draft?.nodes ?? 0,
): FlowListing {
  const same = draft === undefined || draft.version === deployed?.version;
  return {
    name,
    status: deployed === undefined ? "draft" : same ? "deployed" : "changed",
    ...(deployed === undefined ? {} : { version: deployed.version, deployed_at: iso(deployed.deployed_at) }),
    ...(draft === undefined ? {} : { revision: draft.revision, saved_at: iso(draft.savedMs) }),
    nodes,
  };
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}
