/**
 * Deployed flows, in the bucket `rayflow_flows`: `v.<name>.<hash>` holds a version, `f.<name>` says which one is active.
 *
 * F1. A version never changes: its hash is that of its content. Deploying the same content again changes nothing.
 * F2. A version is there before the pointer speaks of it, and stays when the flow is deleted: who is pinned to it finds it.
 * F3. The pointer changes only from the revision that was read; who loses the race decides anew.
 */
import { DeliverPolicy, jetstream } from "@nats-io/jetstream";
import type { KV } from "@nats-io/kv";
import type { NatsConnection } from "@nats-io/transport-node";
import type { z } from "zod";
import {
  checkFlow,
  didYouMean,
  type Flow,
  type FlowIssue,
  listNames,
  type NodeTypes,
  RayflowError,
  type Trigger,
  triggersOf,
} from "../flow/index.ts";
import { BUCKETS, bucketStream, decodeMessage, encodeMessage, RefusalCounter } from "../nats/index.ts";
import { type BucketEntry, isConflict, isLive, liveValue, openBucket, readBounded, watchBucket } from "./bucket.ts";
import {
  activateTriggers,
  checkFlowName,
  type DeployedFlow,
  deployedFlow,
  type FlowVersion,
  findVersion,
  flowVersion,
  parseFlowRef,
  runVersion,
  shortVersion,
  versionOf,
} from "./flow-version.ts";

export interface DeployOptions {
  /** The node types that the flow may use. */
  readonly types: NodeTypes;
  /** Default: the flow's own. */
  readonly name?: string;
  /** Added to those that the flow declares. */
  readonly triggers?: readonly Trigger[];
}

export interface Deployment {
  readonly deployed: DeployedFlow;
  /** False: this very version was active already. */
  readonly changed: boolean;
  readonly warnings: readonly FlowIssue[];
}

const MAX_LISTED_VERSIONS = 1_000;
const MAX_RETIRED = 20;
const MAX_TRIES = 20;
/** Versions that are kept in memory; they never change. */
const MAX_CACHED = 128;
/** Room for the subject and the headers of an entry. */
const ENTRY_ROOM_BYTES = 4_096;

export class FlowRegistry {
  readonly #nc: NatsConnection;
  readonly #kv: KV;
  readonly #deployed = new Map<string, DeployedFlow>();
  readonly #versions = new Map<string, FlowVersion>();
  /** Entries that somebody else wrote and that could not be read. */
  readonly refusals = new RefusalCounter();

  private constructor(nc: NatsConnection, kv: KV) {
    this.#nc = nc;
    this.#kv = kv;
  }

  static async open(nc: NatsConnection): Promise<FlowRegistry> {
    return new FlowRegistry(nc, await openBucket(nc, BUCKETS.flows));
  }

  /** What a running `watch` saw, by name; deleted ones too. */
  get deployed(): ReadonlyMap<string, DeployedFlow> {
    return this.#deployed;
  }

  /**
   * Checks a flow, keeps it as a version and makes that the active one.
   * @throws InvalidFlow (details: errors, warnings), ValidationError, PayloadTooLarge
   */
  async deploy(json: unknown, options: DeployOptions): Promise<Deployment> {
    const checked = checkFlow(json, options.types);
    const declared = triggersOf(json);
    const errors = [...checked.errors, ...declared.issues];
    if (checked.flow === undefined || errors.length > 0) {
      const count = `${errors.length} error${errors.length === 1 ? "" : "s"}`;
      throw new RayflowError("InvalidFlow", `the flow has ${count}: ${errors[0]?.message ?? ""}`, {
        details: { errors, warnings: checked.warnings },
      });
    }
    const name = checkFlowName(options.name ?? checked.flow.name);
    const triggers = [...declared.triggers, ...(options.triggers ?? [])];
    const flow = { ...checked.flow, name };
    const version = versionOf(flow, triggers);
    activateTriggers(name, triggers, [], 0);
    await this.#keep({ v: 1, name, version, deployed_at: Date.now(), flow, triggers });
    const { deployed, changed } = await this.#point(name, { version, flow, triggers });
    return { deployed, changed, warnings: checked.warnings };
  }

  /** Makes an earlier version the active one; undeletes the flow. @throws FlowNotFound */
  async activate(name: string, version: string): Promise<Deployment> {
    const found = await this.find(`${name}@${version}`);
    if (found === undefined) throw await this.notFound(`${name}@${version}`);
    return { ...(await this.#point(name, found)), warnings: [] };
  }

  /** Nothing starts it any more; its versions stay. False when there was none. */
  async delete(name: string): Promise<boolean> {
    let was = false;
    await this.#change(name, (before) => {
      was = before !== undefined && before.deleted !== true;
      if (before === undefined || before.deleted) return undefined;
      return { ...before, deleted: true, triggers: [], retired: retire(before, []) };
    });
    return was;
  }

  /** What is deployed, by name. */
  async list(): Promise<DeployedFlow[]> {
    return (await this.#readAll()).filter(({ deleted }) => deleted !== true);
  }

  /** What is or was deployed under a name. */
  async get(name: string): Promise<DeployedFlow | undefined> {
    return this.#isName(name) ? (await this.#read(name)).value : undefined;
  }

  /**
   * A version by `name` (the active one) or `name@version` (a label, or six digits of its hash or more).
   * @throws ValidationError when the digits fit several versions
   */
  async find(ref: string): Promise<FlowVersion | undefined> {
    const { name, version: wanted } = parseFlowRef(ref);
    if (!this.#isName(name)) return undefined;
    // Memory may be a little behind: what it does not have is asked for.
    for (const known of [async () => this.#deployed.get(name), async () => (await this.#read(name)).value]) {
      const deployed = await known();
      const version = wanted === undefined ? deployed?.version : findVersion(deployed?.versions ?? [], wanted);
      if (version === undefined || (wanted === undefined && deployed?.deleted === true)) continue;
      const found = await this.#version(name, version);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  /** The flow by `name` or `name@version`, as runs carry it: its `version` says which one it is. */
  async resolve(ref: string): Promise<Flow | undefined> {
    const found = await this.find(ref);
    return found === undefined ? undefined : { ...found.flow, version: runVersion(found) };
  }

  /** Why there is nothing under this reference, and what there is. */
  async notFound(ref: string): Promise<RayflowError> {
    const { name, version } = parseFlowRef(ref);
    const deployed = this.#deployed.get(name) ?? (await this.get(name));
    if (deployed !== undefined && version !== undefined) {
      const known = listNames(deployed.versions.map((one) => shortVersion(one.version)).toReversed());
      return new RayflowError("FlowNotFound", `${name} has no version ${version.slice(0, 100)}; it has ${known}`);
    }
    const all = this.#deployed.size > 0 ? [...this.#deployed.values()] : await this.#readAll();
    const names = all.filter((one) => one.deleted !== true).map((one) => one.name);
    const shown = name.slice(0, 100);
    return new RayflowError("FlowNotFound", `no flow is deployed under the name ${shown}${didYouMean(name, names)}`);
  }

  /** Keeps `deployed` up to date until `stop`; calls back with each flow that was deployed, changed or deleted. */
  watch(onChange: (flow: DeployedFlow) => void = () => {}): Promise<{ readonly ready: Promise<void>; stop(): void }> {
    const onEntry = ({ key, value }: BucketEntry): void => {
      const flow = value === undefined ? undefined : this.#decode(deployedFlow, key, value);
      if (flow === undefined || key !== pointerKey(flow.name)) return;
      this.#deployed.set(flow.name, flow);
      onChange(flow);
    };
    return watchBucket(this.#nc, BUCKETS.flows, onEntry, pointerKey("*"));
  }

  async #point(name: string, to: Pick<FlowVersion, "version" | "flow" | "triggers">) {
    const now = Date.now();
    return this.#change(name, (before) => {
      if (before !== undefined && before.version === to.version && before.deleted !== true) return undefined;
      const triggers = activateTriggers(name, to.triggers, before?.triggers ?? [], now);
      const label = to.flow.version === undefined ? {} : { label: to.flow.version };
      const known = before?.versions ?? [];
      const isKnown = known.some(({ version }) => version === to.version);
      const versions = isKnown ? known : [...known, { version: to.version, ...label, deployed_at: now }];
      return {
        v: 1,
        name,
        version: to.version,
        ...label,
        deployed_at: now,
        ...(before === undefined ? {} : { previous: before.version }),
        triggers,
        retired: retire(before, triggers),
        versions: versions.slice(-MAX_LISTED_VERSIONS),
      };
    });
  }

  /** Changes a pointer from what is there; `decide` gives undefined to leave it. */
  async #change(name: string, decide: (before: DeployedFlow | undefined) => DeployedFlow | undefined) {
    for (let tries = 1; ; tries++) {
      const { value: before, revision } = await this.#read(name);
      const after = decide(before);
      if (after === undefined) return { deployed: before as DeployedFlow, changed: false };
      try {
        await this.#kv.put(pointerKey(name), encodeMessage(after), { previousSeq: revision });
        return { deployed: after, changed: true };
      } catch (error) {
        if (!isConflict(error) || tries >= MAX_TRIES) throw error;
      }
    }
  }

  async #keep(version: FlowVersion): Promise<void> {
    const bytes = encodeMessage(version);
    const limit = (this.#nc.info?.max_payload ?? 1 << 20) - ENTRY_ROOM_BYTES;
    if (bytes.length > limit) {
      throw new RayflowError("PayloadTooLarge", `the flow takes ${bytes.length} bytes; ${limit} fit a message`);
    }
    try {
      await this.#kv.put(versionKey(version.name, version.version), bytes, { previousSeq: 0 });
    } catch (error) {
      // F1: it is there already.
      if (!isConflict(error)) throw error;
    }
  }

  async #version(name: string, version: string): Promise<FlowVersion | undefined> {
    const key = versionKey(name, version);
    const cached = this.#versions.get(key);
    if (cached !== undefined) return cached;
    const entry = await this.#kv.get(key);
    const found = isLive(entry) ? this.#decode(flowVersion, key, entry.value) : undefined;
    if (found === undefined) return undefined;
    if (this.#versions.size >= MAX_CACHED) this.#versions.delete(this.#versions.keys().next().value ?? "");
    this.#versions.set(key, found);
    return found;
  }

  async #read(name: string): Promise<{ value: DeployedFlow | undefined; revision: number }> {
    const key = pointerKey(name);
    const entry = await this.#kv.get(key);
    const value = isLive(entry) ? this.#decode(deployedFlow, key, entry.value) : undefined;
    return { value, revision: entry?.revision ?? 0 };
  }

  async #readAll(): Promise<DeployedFlow[]> {
    const found: DeployedFlow[] = [];
    const prefix = `$KV.${BUCKETS.flows}.`;
    const messages = readBounded(jetstream(this.#nc), {
      stream: bucketStream(BUCKETS.flows),
      filter: prefix + pointerKey("*"),
      deliver: DeliverPolicy.LastPerSubject,
    });
    for await (const message of messages) {
      const value = liveValue(message);
      const key = message.subject.slice(prefix.length);
      const flow = value === undefined ? undefined : this.#decode(deployedFlow, key, value);
      if (flow !== undefined) found.push(flow);
    }
    return found.sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  #decode<S extends z.ZodType>(schema: S, key: string, bytes: Uint8Array): z.output<S> | undefined {
    const decoded = decodeMessage(schema, bytes);
    if (decoded.ok) return decoded.value;
    this.refusals.add(`${BUCKETS.flows}.${key}`, decoded.reason);
    return undefined;
  }

  #isName(name: string): boolean {
    return /^[A-Za-z0-9_-]{1,64}$/.test(name);
  }
}

function pointerKey(name: string): string {
  return `f.${name}`;
}

function versionKey(name: string, version: string): string {
  return `v.${name}.${version}`;
}

/** What it had and has no more; the latest are remembered. */
function retire(before: DeployedFlow | undefined, now: readonly { id: string; since: number }[]) {
  const kept = new Set(now.map(({ id, since }) => `${id}.${since}`));
  const had = [...(before?.retired ?? []), ...(before?.triggers ?? [])];
  return had.filter(({ id, since }) => !kept.has(`${id}.${since}`)).slice(-MAX_RETIRED);
}
