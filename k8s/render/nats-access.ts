/**
 * Who the pods are to NATS: a user for each Deployment with the rights of its role, as the Secrets that the pods and the
 * server read.
 *
 * Without secrets there is only what is none: the claims of accounts and users, to be signed by an operator.
 */
import {
  type PlannedAccount,
  planAccounts,
  type Role,
  renderJwt,
  renderServerConfig,
  type Secret,
} from "../../nats/index.ts";
import type { ActorGroup } from "./actor-groups.ts";
import type { Manifest } from "./manifest.ts";
import { NATS_USER_FOLDER } from "./pod.ts";

/** Of one user: what the server knows it by, and what its process shows. */
export interface UserSecret {
  readonly secret: Secret;
  /** The seed of an nkey, or a password. */
  readonly own: string;
}

const PART_OF = { "app.kubernetes.io/part-of": "rayflow" };
const SEED_FILE = "user.nk";

/** Without actors of this type no deliberation ends, and none of its services has anything to do. */
const COUNCIL_TYPE = "ai_announce";

/**
 * The accounts of one tenant with a user for the orchestrators, the gateways, and each group of actors; where these serve
 * deliberations, for the executor and the context service too.
 */
export function natsAccounts(groups: readonly ActorGroup[], account: string): PlannedAccount[] {
  const actors = groups.map(({ name, types }) => ({ name, role: `actor:${types.join(",")}` as Role }));
  const deliberates = groups.some(({ types }) => types.includes(COUNCIL_TYPE));
  const services = deliberates ? [{ role: "executor" as const }, { role: "context" as const }] : [];
  return planAccounts({
    tenants: [account],
    users: [{ role: "orchestrator" }, { role: "gateway" }, ...services, ...actors],
  });
}

/** The claims alone, to be signed. */
export function claimsManifest(accounts: readonly PlannedAccount[]): Manifest {
  return {
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name: "nats-claims", labels: PART_OF },
    // Without white space: a ConfigMap holds a megabyte, and each account says what it takes of the others.
    data: { "accounts.json": JSON.stringify(renderJwt(accounts).accounts) },
  };
}

/** `nats-auth`, which the server includes, and `nats-<user>` for each of its users. */
export function accessManifests(
  accounts: readonly PlannedAccount[],
  secretOf: (user: string) => UserSecret,
): Manifest[] {
  const users = accounts.flatMap((account) => account.users);
  return [
    secret("nats-auth", { "auth.conf": renderServerConfig(accounts, (user) => secretOf(user).secret) }),
    ...users.map(({ name, inboxPrefix, jsApiPrefix }) => {
      const { secret: known, own } = secretOf(name);
      const shown =
        known.kind === "nkey"
          ? { NATS_NKEY: `${NATS_USER_FOLDER}/${SEED_FILE}`, [SEED_FILE]: own }
          : { NATS_USER: name, NATS_PASSWORD: own };
      return secret(`nats-${name}`, {
        ...shown,
        NATS_INBOX_PREFIX: inboxPrefix,
        ...(jsApiPrefix === undefined ? {} : { NATS_JS_API_PREFIX: jsApiPrefix }),
      });
    }),
  ];
}

function secret(name: string, stringData: Record<string, string>): Manifest {
  return { apiVersion: "v1", kind: "Secret", metadata: { name, labels: PART_OF }, type: "Opaque", stringData };
}
