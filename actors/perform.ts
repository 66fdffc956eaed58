/**
 * What happens between an entry's values and node code: references become values before it runs, large outputs become
 * references after, and a result that may be used again is not computed twice.
 *
 * P1. Node code never sees a reference that is honoured: one of its own run, or of the outermost run around it.
 * P3. A secret is in node code's hands alone: neither in what it gives nor in what it throws.
 * P2. A cached result is one of success. Nodes that read variables are never cached: their inputs do not say it all.
 */
import type { DispatchEntry } from "../nats/index.ts";
import {
  type BlobStore,
  bytesBehind,
  cacheKey,
  DEFAULT_INLINE_BYTES,
  offloadValues,
  type ResultCache,
  resolveValues,
  surelyWithin,
} from "../store/index.ts";
import { maskedContext } from "./masked-context.ts";
import type { NodeContext, NodeDefinition, NodeOutcome } from "./node-definition.ts";
import { Secrets } from "./secrets.ts";

export interface PerformerOptions {
  readonly blobs: BlobStore;
  readonly cache: ResultCache;
  /** Outputs above this go to the object store, bytes of JSON. Default 256 KiB. */
  readonly inlineBytes?: number | undefined;
  /** Largest output, bytes of JSON. Default 100 MiB. */
  readonly maxValueBytes?: number | undefined;
  /** What one result may take, bytes. */
  readonly maxResultBytes: () => number;
  /** What references to secrets stand for. Default: there are none. */
  readonly secrets?: Secrets | undefined;
}

/** Runs the code of a node that has some. */
export type Perform = (
  execute: NonNullable<NodeDefinition["execute"]>,
  nodeType: NodeDefinition["nodeType"],
  entry: DispatchEntry,
  ctx: NodeContext,
) => Promise<NodeOutcome>;

/** What a result takes besides its outputs, bytes: ids, exec pins, times. */
const RESULT_ROOM_BYTES = 4_096;

export function performer(options: PerformerOptions): Perform {
  const { blobs, cache, maxValueBytes, maxResultBytes, secrets = new Secrets({}) } = options;
  const inlineBytes = options.inlineBytes ?? DEFAULT_INLINE_BYTES;

  return async (execute, nodeType, entry, ctx) => {
    const home = entry.blob_run ?? entry.run;
    const runs = home === entry.run ? [home] : [home, entry.run];
    const key = nodeType.category === "variables" ? undefined : keyOf(nodeType, entry, runs);
    const known = key === undefined ? undefined : await cache.get(key);
    if (known) return { outputs: known.outputs, exec: known.exec, cached: true };

    // The signal is only asked for where something is fetched: making one is costly.
    const inputs =
      bytesBehind(entry.inputs, runs) === 0
        ? entry.inputs
        : await resolveValues(blobs, entry.inputs, { runs, signal: ctx.signal });
    const outcome =
      entry.secrets === undefined
        ? await execute(inputs, entry.config, ctx)
        : await executeWithSecrets(secrets, execute, nodeType.type, { ...entry, inputs }, ctx);
    // What is no outcome at all is for the executor to say.
    if (key !== undefined && entry.cache && outcome?.outputs) await cache.put(key, outcome, entry.cache.ttl_ms);
    const roomBytes = maxResultBytes() - RESULT_ROOM_BYTES;
    if (surelyWithin(outcome?.outputs, Math.min(inlineBytes, roomBytes))) return outcome;
    const outputs = await offloadValues(blobs, outcome.outputs, {
      run: home,
      what: `output of ${entry.node}:`,
      inlineBytes,
      maxValueBytes,
      roomBytes,
      keep: entry.inline,
      signal: ctx.signal,
    });
    return { ...outcome, outputs };
  };
}

/** P3. What comes back is masked, whether it is an outcome or an error. */
async function executeWithSecrets(
  secrets: Secrets,
  execute: NonNullable<NodeDefinition["execute"]>,
  type: string,
  entry: DispatchEntry,
  ctx: NodeContext,
): Promise<NodeOutcome> {
  const { inputs, config, mask } = await secrets.open(type, entry, entry.inputs);
  try {
    const outcome = await execute(inputs, config, maskedContext(ctx, mask));
    return { ...outcome, outputs: mask(outcome.outputs) };
  } catch (error) {
    throw mask(error);
  }
}

function keyOf(nodeType: NodeDefinition["nodeType"], entry: DispatchEntry, runs: readonly string[]) {
  if (entry.cache === undefined) return undefined;
  const { type, version } = nodeType;
  return cacheKey({ type, version, config: entry.config, inputs: entry.inputs, runs, template: entry.cache.key });
}
