/** The nats-servers of a campaign: one, or three as a JetStream cluster, on ports that they keep when they come again. */
import { mkdir } from "node:fs/promises";
import net from "node:net";
import path from "node:path";
import { jetstreamManager } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import { type EmbeddedServer, STREAMS, startEmbeddedServer } from "../../nats/index.ts";

export interface Servers extends AsyncDisposable {
  readonly all: readonly EmbeddedServer[];
  readonly urls: readonly string[];
  /** The server that leads the log; the only one when there is no cluster. Undefined while there is no leader. */
  leader(nc: NatsConnection): Promise<EmbeddedServer | undefined>;
}

const NAMES = ["one", "two", "three"] as const;

export async function startServers(folder: string, shape: "single" | "cluster"): Promise<Servers> {
  const names = shape === "cluster" ? NAMES : NAMES.slice(0, 1);
  const ports = await Promise.all(names.map(freePort));
  const clusterPorts = await Promise.all(names.map(freePort));
  const routes = clusterPorts.map((port) => `"nats://127.0.0.1:${port}"`).join(", ");
  const all = await Promise.all(
    names.map(async (name, at) => {
      const storeDir = path.join(folder, `server-${name}`);
      await mkdir(storeDir, { recursive: true });
      // Clients must not learn of the servers behind their proxies.
      const cluster = `cluster { name: chaos, listen: "127.0.0.1:${clusterPorts[at]}", no_advertise: true, routes: [${routes}] }`;
      return startEmbeddedServer({
        storeDir,
        port: ports[at] ?? -1,
        name,
        logFile: path.join(folder, `server-${name}.log`),
        startTimeoutMs: 30_000,
        ...(shape === "cluster" ? { extraConfig: cluster } : {}),
      });
    }),
  );
  return {
    all,
    urls: all.map(({ url }) => url),
    async leader(nc) {
      if (shape === "single") return all[0];
      const jsm = await jetstreamManager(nc, { checkAPI: false, timeout: 2_000 });
      const leader = (await jsm.streams.info(STREAMS.log)).cluster?.leader;
      return all.find((_, at) => names[at] === leader);
    },
    [Symbol.asyncDispose]: async () => {
      await Promise.all(all.map((server) => server.stop()));
    },
  };
}

async function freePort(): Promise<number> {
  const server = net.createServer();
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const { port } = server.address() as net.AddressInfo;
  await new Promise((done) => server.close(done));
  return port;
}
