/** What the gateway's answers are made from: everything that reads or changes RayFlow on one connection. */
import type { NatsConnection } from "@nats-io/transport-node";
import { loadNodes } from "../actors/index.ts";
import type { NodeType } from "../flow/index.ts";
import { ensureTopology } from "../nats/index.ts";
import { BlobStore, NodeCatalog, VariableStore } from "../store/index.ts";
import { FlowLibrary } from "./flow-library.ts";
import { RunControl } from "./run-control.ts";
import { RunDirectory } from "./run-directory.ts";

export interface GatewayParts extends Disposable {
  readonly nc: NatsConnection;
  readonly flows: FlowLibrary;
  readonly runs: RunDirectory;
  readonly control: RunControl;
  readonly variables: VariableStore;
  readonly blobs: BlobStore;
  /** The node types that come with RayFlow, and what the actors declare, as it is now. */
  readonly types: ReadonlyMap<string, NodeType>;
  /** Those that come with RayFlow. */
  readonly builtin: ReadonlySet<string>;
}

/** Values that were read last stay in memory, bytes. */
const BLOB_CACHE_BYTES = 16 * 1024 * 1024;

/** @throws ConnectionFailed */
export async function openParts(nc: NatsConnection): Promise<GatewayParts> {
  await ensureTopology(nc);
  const [flows, runs, variables, catalog, { nodes }] = await Promise.all([
    FlowLibrary.open(nc),
    RunDirectory.open(nc),
    VariableStore.open(nc),
    NodeCatalog.open(nc),
    loadNodes(),
  ]);
  const builtin = new Map([...nodes].map(([type, { nodeType }]) => [type, nodeType]));
  let types = new Map(builtin);
  let known = -1;
  const watch = await catalog.watch();
  await watch.ready;
  return {
    nc,
    flows,
    runs,
    control: new RunControl(nc, runs),
    variables,
    blobs: new BlobStore(nc, { cacheBytes: BLOB_CACHE_BYTES }),
    get types() {
      if (catalog.revision !== known) {
        known = catalog.revision;
        types = new Map([...builtin, ...catalog.types]);
      }
      return types;
    },
    builtin: new Set(builtin.keys()),
    [Symbol.dispose]: () => watch.stop(),
  };
}
