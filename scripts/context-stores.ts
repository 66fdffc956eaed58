/**
 * `npm run test:stores`: what every context store must do, against real databases. NEO4J_URI (NEO4J_USER,
 * NEO4J_PASSWORD) and VALKEY_URL say where they are; one of them at least. They may hold other data: what this writes has
 * ids of its own, and stays.
 */
import { openKvContextStore } from "../deliberation/context/kv-context-store.ts";
import { openNeo4jContextStore } from "../deliberation/context/neo4j-context-store.ts";
import { contextStoreContract } from "../deliberation/context/testing-contract.ts";
import { cachedInValkey } from "../deliberation/context/valkey-cache.ts";
import { connectNats, startEmbeddedServer } from "../nats/index.ts";

const { NEO4J_URI, NEO4J_USER, NEO4J_PASSWORD, VALKEY_URL } = process.env;
if (NEO4J_URI === undefined && VALKEY_URL === undefined) {
  process.stderr.write("test:stores: set NEO4J_URI, VALKEY_URL or both to where the databases are\n");
  process.exit(2);
}
const server = await startEmbeddedServer();
const nc = await connectNats({ servers: server.url, name: "test:stores" });
const kv = await openKvContextStore(nc);
const inner =
  NEO4J_URI === undefined
    ? kv
    : await openNeo4jContextStore({ url: NEO4J_URI, user: NEO4J_USER, password: NEO4J_PASSWORD });
const store = VALKEY_URL === undefined ? inner : cachedInValkey(inner, { url: VALKEY_URL });
let [passed, failed] = [0, 0];
for (const [name, run] of Object.entries(contextStoreContract)) {
  try {
    await run(store);
    passed++;
    process.stdout.write(`ok    ${name}\n`);
  } catch (error) {
    failed++;
    process.stdout.write(`wrong ${name}\n${error instanceof Error ? error.stack : String(error)}\n`);
  }
}
await store[Symbol.asyncDispose]();
await nc.close();
await server.stop();
process.stdout.write(`${store.name}: ${passed} passed, ${failed} failed\n`);
process.exitCode = failed === 0 ? 0 : 1;
