/**
 * Keeps web pages of others away from a gateway without a token: a browser on the same machine reaches the loopback
 * address, whatever page it shows.
 *
 * O1. A page under another name that resolves to this address (DNS rebinding) has that name in Host: it is refused.
 * O2. A page of another origin that sends a request has its own in Origin: it is refused, unless that origin is allowed.
 * With a token neither matters: no browser sends it by itself.
 */
import { RayflowError } from "../../flow/index.ts";

export interface OriginRules {
  /** Where the gateway listens. */
  readonly host: string;
  readonly hasToken: boolean;
  /** Origins whose pages may use the API: `https://flows.example.com`; `*` for all. */
  readonly corsOrigins: readonly string[];
  /** Further names under which the gateway is reached, as a proxy passes them on. */
  readonly allowedHosts: readonly string[];
}

export interface OriginFacts {
  readonly host: string | undefined;
  readonly origin: string | undefined;
  /** What a browser says of where the request comes from. */
  readonly fetchSite: string | undefined;
  /** Whether following a link leads here. */
  readonly isNavigation: boolean;
}

const LOOPBACK = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\]|::1)$/i;

export function isLoopback(host: string): boolean {
  return LOOPBACK.test(host) || host.toLowerCase().endsWith(".localhost");
}

/** Checks a request against the rules. Throws OriginRefused. */
export function originCheck(rules: OriginRules): (facts: OriginFacts) => void {
  const allowed = new Set(rules.corsOrigins.map((origin) => origin.toLowerCase()));
  const names = new Set([
    ...rules.allowedHosts.map((name) => name.toLowerCase()),
    ...rules.corsOrigins.flatMap((origin) => hostnameOf(origin) ?? []),
  ]);
  return ({ host, origin, fetchSite, isNavigation }) => {
    if (rules.hasToken) return;
    if (isLoopback(rules.host)) {
      const name = hostnameOf(`http://${host ?? ""}`);
      if (name === undefined || !(isLoopback(name) || names.has(name))) {
        throw refused(`it was asked for as ${JSON.stringify((host ?? "").slice(0, 100))}, not as localhost`);
      }
    }
    if (allowed.has("*")) return;
    if (origin !== undefined) {
      const own = hostOf(origin) !== undefined && hostOf(origin) === host?.toLowerCase();
      if (!own && !allowed.has(origin.toLowerCase())) {
        throw refused(`the request comes from a page of ${JSON.stringify(origin.slice(0, 100))}`);
      }
    } else if (fetchSite === "cross-site" && !isNavigation) {
      throw refused("the request comes from a page of another site");
    }
  };
}

function refused(why: string): RayflowError {
  return new RayflowError("OriginRefused", `${why}; a token, or allowing that origin, opens the gateway to it`);
}

function hostOf(origin: string): string | undefined {
  return parse(origin)?.host.toLowerCase();
}

function hostnameOf(url: string): string | undefined {
  return parse(url)?.hostname.toLowerCase() || undefined;
}

function parse(url: string): URL | undefined {
  return URL.canParse(url) ? new URL(url) : undefined;
}
