/** A nats-server with TLS and the rendered accounts of two tenants, and processes and connections under their users. */
import { readFileSync } from "node:fs";
import path from "node:path";
import type { NatsConnection } from "@nats-io/transport-node";
import { type ConnectOptions, connectNats, type EmbeddedServer, startEmbeddedServer } from "../../nats/index.ts";
import { type Outcome, type RunningCommand, rayflow, startRayflow, temporaryFolder } from "../rayflow-process.ts";
import { type Certificates, makeCertificates } from "./certificates.ts";

/** As `rayflow nats auth render --json` lists them. */
export interface RenderedUser {
  readonly user: string;
  readonly account: string;
  readonly role: string;
  readonly secret_file: string;
  readonly inbox_prefix: string;
  readonly js_api_prefix: string | null;
}

export interface LockedServer extends AsyncDisposable {
  readonly url: string;
  readonly users: readonly RenderedUser[];
  readonly certificates: Certificates;
  /** What the server wrote about who was refused what. */
  violations(): string[];
  /** `plainApi`: sends requests to JetStream where they would go without the prefix that the user should use. */
  connect(user: string, options?: { readonly plainApi?: boolean }): Promise<NatsConnection>;
  /** The flags of a process that is this user. */
  flags(user: string): string[];
  /** Calls the command as this user and waits for its end. */
  call(user: string, args: readonly string[]): Promise<Outcome>;
  start(user: string, args: readonly string[], env?: Readonly<Record<string, string>>): RunningCommand;
}

export async function startLockedServer(tenants: readonly string[], roles: readonly string[]): Promise<LockedServer> {
  const folder = temporaryFolder("rayflow-locked-");
  const certificates = await makeCertificates(folder.path);
  const rendered = await rayflow([
    ...["nats", "auth", "render", "--json", ...roles, ...tenants.flatMap((tenant) => ["--tenant", tenant])],
    ...["--secrets", path.join(folder.path, "secrets"), "--server-ca", certificates.ca, "--verify"],
    ...["--server-cert", certificates.server.cert, "--server-key", certificates.server.key],
  ]);
  if (rendered.code !== 0) throw new Error(`the render failed: ${rendered.stderr}`);
  const { config, users } = JSON.parse(rendered.stdout) as { config: string; users: RenderedUser[] };
  const logFile = path.join(folder.path, "server.log");
  const server: EmbeddedServer = await startEmbeddedServer({ extraConfig: config, logFile });
  const url = server.url.replace("nats:", "tls:");
  const userOf = (name: string) => {
    const found = users.find(({ user }) => user === name);
    if (!found) throw new Error(`no user ${name} among ${users.map(({ user }) => user).join(", ")}`);
    return found;
  };
  const connections: NatsConnection[] = [];
  const processes: RunningCommand[] = [];
  const flags = (name: string): string[] => {
    const { secret_file, inbox_prefix, js_api_prefix } = userOf(name);
    return [
      ...["--server", url, "--nkey", secret_file, "--inbox-prefix", inbox_prefix],
      ...(js_api_prefix === null ? [] : ["--js-api-prefix", js_api_prefix]),
      ...["--tlsca", certificates.ca, "--tlscert", certificates.client.cert, "--tlskey", certificates.client.key],
    ];
  };
  return {
    url,
    users,
    certificates,
    flags,
    violations: () =>
      readFileSync(logFile, "utf8")
        .split("\n")
        .filter((line) => /violation/i.test(line)),
    connect: async (name, { plainApi = false } = {}) => {
      const { secret_file, inbox_prefix, js_api_prefix } = userOf(name);
      const options: ConnectOptions = {
        name,
        servers: url,
        nkey: secret_file,
        inboxPrefix: inbox_prefix,
        ...(js_api_prefix === null || plainApi ? {} : { jsApiPrefix: js_api_prefix }),
        tls: { ca: certificates.ca, ...certificates.client },
      };
      const nc = await connectNats(options);
      connections.push(nc);
      return nc;
    },
    // An observer may read no keys.
    call: (name, args) => rayflow([...args, ...flags(name)], { env: { RAYFLOW_TOKEN_KEYS: "none" } }),
    start: (name, args, env = {}) => {
      const started = startRayflow([...args, ...flags(name)], { env });
      processes.push(started);
      return started;
    },
    [Symbol.asyncDispose]: async () => {
      for (const { child } of processes) child.kill("SIGTERM");
      await Promise.all(processes.map(({ ended }) => ended));
      await Promise.all(connections.map((nc) => nc.close()));
      await server.stop();
      folder.remove();
    },
  };
}
