import { describe, expect, it } from "vitest";
import { renderJwt } from "./auth-jwt.ts";
import { type AuthWishes, IMPORTED_API_PREFIX, planAccounts } from "./auth-plan.ts";
import { connectionFlags, renderServerConfig } from "./auth-render.ts";

const wishes: AuthWishes = {
  tenants: ["red", "blue"],
  users: [{ role: "orchestrator" }, { role: "gateway" }, { role: "actor:math_add", name: "sums" }],
  limits: { maxFileBytes: 1024 ** 3 },
};
const plan = planAccounts(wishes);
const account = (name: string) => plan.find((one) => one.name === name);

describe("accounts", () => {
  it("a tenant is an account, an actor has one of its own beside it", () => {
    expect(plan.map(({ name }) => name)).toEqual(["red", "red-sums", "blue", "blue-sums"]);
    expect(account("red")?.users.map(({ name }) => name)).toEqual(["red-orchestrator", "red-gateway"]);
    expect(account("red-sums")?.users.map(({ name }) => name)).toEqual(["red-sums"]);
  });

  it("an actor's account has no JetStream, and imports exactly what the role may publish and subscribe", () => {
    const own = account("red-sums");
    expect(own?.jetstream).toBeUndefined();
    expect(own?.imports.filter(({ account: from }) => from !== "red")).toEqual([]);
    const publish = own?.users[0]?.permissions.publish.allow ?? [];
    const asked = own?.imports.filter(({ kind }) => kind === "service").map(({ subject, to }) => to ?? subject);
    expect(asked).toEqual(publish);
    expect(publish.filter((subject) => subject.startsWith("$JS.API"))).toEqual([]);
    expect(publish).toContain(`${IMPORTED_API_PREFIX}.CONSUMER.MSG.NEXT.RAYFLOW_NODES.math_add`);
  });

  it("a tenant exports to its own actors alone", () => {
    const to = new Set(account("blue")?.exports.flatMap(({ accounts }) => accounts));
    expect([...to]).toEqual(["blue-sums"]);
  });

  it("shared accounts keep actors with their tenant", () => {
    const shared = planAccounts({ ...wishes, sharedAccounts: true });
    expect(shared.map(({ name }) => name)).toEqual(["red", "blue"]);
    expect(shared.every(({ exports, imports }) => exports.length + imports.length === 0)).toBe(true);
  });

  it("names that clash or would break the configuration are refused", () => {
    const one = { role: "gateway" } as const;
    expect(() => planAccounts({ tenants: ["a"], users: [one, one] })).toThrow(/two times the user gateway/);
    expect(() => planAccounts({ tenants: ["a", "a"], users: [one] })).toThrow(/two times the tenant/);
    for (const tenant of ["", "a b", 'a"', "a.b", "$SYS"]) {
      expect(() => planAccounts({ tenants: [tenant], users: [one] }), tenant).toThrow(/no name/);
    }
  });
});

describe("a server's configuration", () => {
  const secret = { kind: "nkey", publicKey: "UABC" } as const;

  it("names limits, keys and TLS", () => {
    const config = renderServerConfig(plan, () => secret, { cert: "/c", key: "/k", ca: "/a", verify: true });
    expect(config).toContain("jetstream: { max_file: 1073741824 }");
    expect(config).toContain('nkey: "UABC"');
    expect(config).toMatch(
      /tls \{\n {2}cert_file: "\/c"\n {2}key_file: "\/k"\n {2}ca_file: "\/a"\n {2}verify: true\n\}/,
    );
  });

  it("a pull may have many answers, other requests one", () => {
    const config = renderServerConfig(plan, () => secret);
    const lines = config.split("\n").filter((line) => line.includes("{ service:") && line.includes("accounts:"));
    expect(lines.length).toBeGreaterThan(10);
    for (const line of lines) {
      expect(line.includes('response_type: "stream"')).toBe(/MSG\.NEXT|DIRECT\.GET/.test(line));
    }
  });

  it("says how a user's process connects", () => {
    const user = account("red-sums")?.users[0];
    if (!user) throw new Error("no user");
    expect(connectionFlags(user, { nkey: "/s/red-sums.nk" })).toBe(
      "--nkey /s/red-sums.nk --inbox-prefix _INBOX.red-sums --js-api-prefix JS_RAYFLOW.API",
    );
  });
});

describe("JWT templates", () => {
  const { accounts, commands } = renderJwt(plan);

  it("hold each user's permissions as claims", () => {
    const claims = accounts.find(({ name }) => name === "red")?.users[0]?.claims;
    const permissions = account("red")?.users[0]?.permissions;
    expect(claims).toMatchObject({ nats: { pub: permissions?.publish, sub: permissions?.subscribe, version: 2 } });
    expect(claims).toMatchObject({ nats: { resp: { max: 1, ttl: 600e9 } } });
  });

  it("give JetStream to tenants alone", () => {
    const storage = accounts.map(({ name, claims }) => [
      name,
      (claims as { nats: { limits: { disk_storage: number } } }).nats.limits.disk_storage,
    ]);
    expect(Object.fromEntries(storage)).toEqual({ red: 1024 ** 3, "red-sums": 0, blue: 1024 ** 3, "blue-sums": 0 });
  });

  it("come as commands that quote every subject", () => {
    expect(commands.filter((command) => !command.startsWith("nsc "))).toEqual([]);
    expect(commands.join("\n").replace(/'[^']*'/g, "")).not.toMatch(/[*>]/);
    expect(commands.some((command) => command.startsWith("nsc add user --account red --name red-gateway"))).toBe(true);
  });
});
