/**
 * Who is in which account, and what accounts give each other: the plan that both a server's configuration and JWTs are
 * written from. Pure.
 *
 * A tenant is an account. Actors are not trusted, so each actor's user gets an account of its own, to which the tenant's
 * account exports exactly what the role may publish and subscribe. Within one account permissions would not be enough:
 * a server answers a request to whatever subject the request names as reply, also where the asker may not publish; across
 * accounts that subject is one of the asker's own.
 */
import { RayflowError } from "../flow/index.ts";
import type { Permissions } from "./permissions.ts";
import { inboxPrefixOf, type Role, rolePermissions, typesOf, userOf } from "./roles.ts";

/** Where an actor in an account of its own finds JetStream's API: `--js-api-prefix`. */
export const IMPORTED_API_PREFIX = "JS_RAYFLOW.API";
const API_PREFIX = "$JS.API";

export interface WantedUser {
  readonly role: Role;
  /** Default: the role with hyphens. */
  readonly name?: string | undefined;
  /** Further subjects, as in `rolePermissions`. */
  readonly allow?: readonly { readonly publish?: string; readonly subscribe?: string }[];
  readonly variables?: readonly string[];
}

export interface StoreLimits {
  /** Bytes; undefined: no limit. */
  readonly maxFileBytes?: number | undefined;
  readonly maxMemoryBytes?: number | undefined;
}

export interface AuthWishes {
  /** An account each. */
  readonly tenants: readonly string[];
  readonly users: readonly WantedUser[];
  readonly limits?: StoreLimits;
  /** Puts actors into their tenant's account: simpler, and no protection from an actor that means harm. */
  readonly sharedAccounts?: boolean;
}

export interface PlannedUser {
  readonly name: string;
  readonly role: Role;
  readonly permissions: Permissions;
  readonly inboxPrefix: string;
  /** Undefined: the standard one. */
  readonly jsApiPrefix: string | undefined;
}

/** What one account offers another: a subject to ask on, or messages to hear. */
export interface Export {
  readonly kind: "service" | "stream";
  readonly subject: string;
  readonly accounts: readonly string[];
}

export interface Import {
  readonly kind: "service" | "stream";
  readonly account: string;
  readonly subject: string;
  /** The subject here, when it is another one. */
  readonly to?: string;
}

export interface PlannedAccount {
  readonly name: string;
  /** Undefined: no JetStream of its own. */
  readonly jetstream: StoreLimits | undefined;
  readonly users: readonly PlannedUser[];
  readonly exports: readonly Export[];
  readonly imports: readonly Import[];
}

const NAME = /^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/;

/** @throws UsageError for names that are off or come twice */
export function planAccounts(wishes: AuthWishes): PlannedAccount[] {
  requireNames("tenant", wishes.tenants);
  const several = wishes.tenants.length > 1;
  const accounts = wishes.tenants.flatMap((tenant) => {
    const users = wishes.users.map((user) => ({ ...user, name: `${several ? `${tenant}-` : ""}${nameOf(user)}` }));
    return planTenant(tenant, users, wishes);
  });
  requireNames(
    "user",
    accounts.flatMap(({ users }) => users.map(({ name }) => name)),
  );
  requireNames(
    "account",
    accounts.map(({ name }) => name),
  );
  return accounts;
}

type NamedUser = WantedUser & { readonly name: string };

function planTenant(tenant: string, users: readonly NamedUser[], wishes: AuthWishes): PlannedAccount[] {
  const apart = (user: NamedUser) => wishes.sharedAccounts !== true && typesOf(user.role) !== undefined;
  const isolated = users.filter(apart).map((user) => isolate(tenant, planned(user)));
  return [
    {
      name: tenant,
      jetstream: wishes.limits ?? {},
      users: users.filter((user) => !apart(user)).map(planned),
      exports: exportsFor(isolated),
      imports: [],
    },
    ...isolated,
  ];
}

function planned({ name, role, allow, variables }: NamedUser): PlannedUser {
  const inboxPrefix = inboxPrefixOf(name);
  const options = { inboxPrefix, ...(allow ? { allow } : {}), ...(variables ? { variables } : {}) };
  return { name, role, inboxPrefix, permissions: rolePermissions(role, options), jsApiPrefix: undefined };
}

/** A user in an account of its own, which imports all that the user may do. */
function isolate(tenant: string, user: PlannedUser): PlannedAccount {
  const { publish, subscribe } = user.permissions;
  const own = `${user.inboxPrefix}.>`;
  const heard = subscribe.allow.filter((subject) => subject !== own);
  return {
    name: user.name.startsWith(`${tenant}-`) ? user.name : `${tenant}-${user.name}`,
    jetstream: undefined,
    users: [
      {
        ...user,
        jsApiPrefix: IMPORTED_API_PREFIX,
        permissions: { ...user.permissions, publish: { ...publish, allow: publish.allow.map(there) } },
      },
    ],
    exports: [],
    imports: [
      ...publish.allow.map((subject): Import => {
        const to = there(subject);
        return { kind: "service", account: tenant, subject, ...(to === subject ? {} : { to }) };
      }),
      ...heard.map((subject): Import => ({ kind: "stream", account: tenant, subject })),
    ],
  };
}

function there(subject: string): string {
  return subject.startsWith(`${API_PREFIX}.`) ? IMPORTED_API_PREFIX + subject.slice(API_PREFIX.length) : subject;
}

function exportsFor(accounts: readonly PlannedAccount[]): Export[] {
  const found = new Map<string, { kind: Export["kind"]; subject: string; accounts: string[] }>();
  for (const { name, imports } of accounts) {
    for (const { kind, subject } of imports) {
      const key = `${kind} ${subject}`;
      const known = found.get(key) ?? { kind, subject, accounts: [] };
      known.accounts.push(name);
      found.set(key, known);
    }
  }
  return [...found.values()];
}

function nameOf({ name, role }: WantedUser): string {
  return name ?? userOf(role);
}

function requireNames(what: string, names: readonly string[]): void {
  for (const [at, name] of names.entries()) {
    if (!NAME.test(name)) {
      throw new RayflowError(
        "UsageError",
        `no name for a ${what}: ${JSON.stringify(name)} (1 to 64 of A-Z a-z 0-9 _ -)`,
      );
    }
    if (names.indexOf(name) !== at) throw new RayflowError("UsageError", `two times the ${what} ${name}`);
  }
}
