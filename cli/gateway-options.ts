/** Options of the commands that listen for HTTP. */
import type { Command } from "commander";
import { RayflowError } from "../flow/index.ts";
import type { GatewayOptions } from "../gateway/index.ts";
import type { Environment } from "./environment.ts";
import { wholeNumber } from "./stack-options.ts";

export interface HttpFlags {
  readonly host: string;
  readonly apiToken?: string;
  readonly corsOrigin?: readonly string[];
  readonly allowedHost?: readonly string[];
  readonly maxBody?: number;
}

export const DEFAULT_HTTP_PORT = 8000;
export const DEFAULT_HTTP_HOST = "127.0.0.1";
/** How many ports above the usual one are tried when nobody asked for a certain one. */
export const PORT_TRIES = 100;
const MIB = 1024 * 1024;

/** `--token` is NATS's. */
export function addHttpOptions(command: Command): Command {
  return command
    .option("--host <address>", "address to listen on; 0.0.0.0 for all", DEFAULT_HTTP_HOST)
    .option("--api-token <text>", "bearer token that callers of the HTTP API must send (RAYFLOW_TOKEN)")
    .option("--cors-origin <origin...>", "origins whose web pages may use the API, * for all (default: none)", origins)
    .option("--allowed-host <name...>", "further names under which it is reached, behind a proxy")
    .option("--max-body <MiB>", "largest body of a request (default 32)", wholeNumber("--max-body", 1, 1024));
}

export function addPortOption(command: Command): Command {
  return command.option("--port <n>", "port to listen on, 0 for any (default: 8000, or the next free one)", portOption);
}

export const portOption = wholeNumber("--port", 0, 65_535);

/** What the flags and the environment say about who may do what. */
export function httpOptionsOf(flags: HttpFlags, environment: Environment) {
  const token = flags.apiToken ?? environment.RAYFLOW_TOKEN;
  if (token !== undefined && (token.length < 8 || /\s/.test(token))) {
    throw new RayflowError("UsageError", "the token has 8 characters or more and no spaces");
  }
  return {
    host: flags.host,
    token,
    corsOrigins: flags.corsOrigin,
    allowedHosts: flags.allowedHost,
    maxBodyBytes: flags.maxBody === undefined ? undefined : flags.maxBody * MIB,
  } satisfies Partial<GatewayOptions>;
}

/** The port that was asked for and no other; else the usual one or the next that is free. */
export function portOf(port: number | undefined): { port: number; tries: number } {
  return port === undefined ? { port: DEFAULT_HTTP_PORT, tries: PORT_TRIES } : { port, tries: 0 };
}

/** What to say when anybody may use what listens there. */
export function exposureWarning(host: string, token: string | undefined): string | undefined {
  if (token !== undefined || /^(127\.|localhost$|::1$|\[::1\]$)/.test(host)) return undefined;
  return `anybody who reaches ${host} can run flows and read their data: set a token (--api-token, RAYFLOW_TOKEN)`;
}

function origins(text: string, before: readonly string[] = []): string[] {
  const known = text === "*" || (URL.canParse(text) && new URL(text).origin === text.toLowerCase());
  if (!known) {
    const example = "like https://flows.example.com, without a path";
    throw new RayflowError("UsageError", `--cors-origin is an origin ${example}, not ${JSON.stringify(text)}`);
  }
  return [...before, text];
}
