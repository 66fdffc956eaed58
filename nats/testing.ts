/**
 * A real nats-server for a test file:
 *
 *     const nats = withServer();
 *     beforeAll(nats.start);
 *     afterAll(nats.stop);
 */
import type { NatsConnection } from "@nats-io/transport-node";
import { RayflowError } from "../flow/index.ts";
import { connectNats } from "./connection.ts";
import { type EmbeddedServer, type EmbeddedServerOptions, startEmbeddedServer } from "./embedded-server.ts";
import { ensureTopology, type Topology, type TopologyOptions } from "./topology.ts";

export interface TestServerOptions extends EmbeddedServerOptions {
  /** Sets RayFlow's streams and buckets up at the start; false: an empty server. Default: with the defaults. */
  readonly topology?: TopologyOptions | false;
}

export interface TestServer {
  /** Starts the server, connects, sets up the topology. */
  readonly start: () => Promise<void>;
  /** Closes every connection that `connect` made and stops the server. */
  readonly stop: () => Promise<void>;
  readonly server: EmbeddedServer;
  /** The file's own connection. */
  readonly nc: NatsConnection;
  readonly topology: Topology;
  /** One more connection: another process, as far as the server knows. */
  readonly connect: (name?: string) => Promise<NatsConnection>;
}

export function withServer(options: TestServerOptions = {}): TestServer {
  let server: EmbeddedServer | undefined;
  let nc: NatsConnection | undefined;
  let topology: Topology | undefined;
  const connections: NatsConnection[] = [];
  const connect = async (name = "test") => {
    const made = await connectNats({ name, servers: started(server).url });
    connections.push(made);
    return made;
  };
  return {
    start: async () => {
      server = await startEmbeddedServer(options);
      nc = await connect();
      if (options.topology !== false) topology = await ensureTopology(nc, options.topology);
    },
    stop: async () => {
      await Promise.all(connections.map((connection) => connection.close()));
      await server?.stop();
    },
    get server() {
      return started(server);
    },
    get nc() {
      return started(nc);
    },
    get topology() {
      return started(topology);
    },
    connect,
  };
}

function started<T>(value: T | undefined): T {
  if (value === undefined) throw new RayflowError("UsageError", "the test server has not been started (yet)");
  return value;
}

/** Resolves when the condition holds; it is asked again every few ms. For tests that wait for another process. */
export async function eventually(
  condition: () => boolean | Promise<boolean>,
  what: string,
  timeoutMs = 10_000,
): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new RayflowError("UsageError", `in ${timeoutMs} ms never: ${what}`);
    await new Promise((done) => setTimeout(done, 5));
  }
}

/** Resolves when the connection is up again after its server was away. */
export async function reconnected(nc: NatsConnection): Promise<void> {
  const answers = () =>
    nc.flush().then(
      () => true,
      () => false,
    );
  await eventually(answers, "the connection is up again");
}
