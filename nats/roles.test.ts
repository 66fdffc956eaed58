import { describe, expect, it } from "vitest";
import { BUCKETS, EVENT_STREAMS, STREAMS } from "./names.ts";
import { inboxPrefixOf, parseRole, type Role, rolePermissions, userOf } from "./roles.ts";

const ROLES: readonly Role[] = [
  ...(["publisher", "gateway", "orchestrator", "observer", "executor", "context"] as const),
  "actor:math_add,io_http_request",
];

/** As the server matches a subject against a rule. */
function covers(rule: string, subject: string): boolean {
  const [wanted, given] = [rule.split("."), subject.split(".")];
  const rest = wanted.indexOf(">");
  if (rest >= 0) return given.length > rest && wanted.slice(0, rest).every((t, at) => t === "*" || t === given[at]);
  return wanted.length === given.length && wanted.every((token, at) => token === "*" || token === given[at]);
}

function may(role: Role, direction: "publish" | "subscribe", subject: string): boolean {
  return rolePermissions(role)[direction].allow.some((rule) => covers(rule, subject));
}

describe("the roles", () => {
  it.each(ROLES)("%s has no subject that covers everything, and no right over streams or consumers of all", (role) => {
    const { publish, subscribe } = rolePermissions(role);
    for (const rule of [...publish.allow, ...subscribe.allow]) {
      expect(rule).not.toMatch(/^(>|\*\.>|\$JS\.(API\.)?>|\$KV\.>|rayflow\.>)$/);
      expect(rule).not.toContain("STREAM.DELETE");
      expect(rule).not.toContain("STREAM.MSG.DELETE");
    }
  });

  it.each(ROLES)("%s reads its own inbox and no other", (role) => {
    expect(may(role, "subscribe", `${inboxPrefixOf(userOf(role))}.x`)).toBe(true);
    for (const other of ROLES.filter((one) => one !== role)) {
      expect(may(role, "subscribe", `${inboxPrefixOf(userOf(other))}.x`)).toBe(false);
    }
  });

  it("an actor publishes results of its own types alone", () => {
    expect(may("actor:math_add", "publish", "rayflow.result.math_add.3")).toBe(true);
    expect(may("actor:math_add", "publish", "rayflow.result.math_multiply.3")).toBe(false);
    expect(may("actor:math_add,math_multiply", "publish", "rayflow.result.math_multiply.3")).toBe(true);
  });

  it("an actor says what its ai nodes have to say, and shares their limits", () => {
    const council = "actor:ai_agent,ai_announce";
    for (const subject of ["agent.results.t", "vllm.streaming.t", "orchestration.deliberation.completed"]) {
      expect(may(council, "publish", subject)).toBe(true);
      expect(may("actor:ai_judge", "publish", subject)).toBe(false);
      expect(may("actor:math_add", "publish", subject)).toBe(false);
    }
    expect(may("actor:ai_judge", "publish", "$KV.rayflow_limits.slot.a.0")).toBe(true);
    expect(may("actor:math_add", "publish", "$KV.rayflow_limits.slot.a.0")).toBe(false);
  });

  it("an actor makes no consumer and no stream", () => {
    const { publish } = rolePermissions("actor:variables_get,math_add");
    expect(publish.allow.filter((rule) => /CREATE|UPDATE|PURGE|DELETE/.test(rule))).toEqual([]);
  });

  it("variables are for the types that use them", () => {
    const key = `$KV.${BUCKETS.vars}.global.x`;
    expect(may("actor:math_add", "publish", key)).toBe(false);
    expect(may("actor:variables_set", "publish", key)).toBe(true);
    const given = rolePermissions("actor:acme_count", { variables: ["acme_count"] });
    expect(given.publish.allow.some((rule) => covers(rule, key))).toBe(true);
  });

  it("only orchestrators, gateways and executors read the keys, and only an orchestrator writes them", () => {
    const read = (role: Role) => may(role, "publish", "$JS.API.STREAM.MSG.GET.KV_rayflow_keys");
    expect(ROLES.filter(read)).toEqual(["gateway", "orchestrator", "executor"]);
    expect(ROLES.filter((role) => may(role, "publish", "$KV.rayflow_keys.hmac"))).toEqual(["orchestrator"]);
  });

  it("only an orchestrator writes leases, checkpoints, timers, history and the work of all types", () => {
    const subjects = [
      "$KV.rayflow_leases.partition.0",
      "$KV.rayflow_checkpoints.p.0",
      "rayflow.timer.0.r1.t",
      "rayflow.history.f.r1",
      "rayflow.node.logic_compare",
      `$JS.API.STREAM.PURGE.${STREAMS.log}`,
      `$JS.API.STREAM.UPDATE.${STREAMS.log}`,
    ];
    for (const subject of subjects) {
      expect(
        ROLES.filter((role) => may(role, "publish", subject)),
        subject,
      ).toEqual(["orchestrator"]);
    }
  });

  it("the services of deliberations make their own streams alone, and none changes one", () => {
    const made = (role: Role) =>
      rolePermissions(role).publish.allow.flatMap((rule) => /^\$JS\.API\.STREAM\.CREATE\.(.+)$/.exec(rule)?.[1] ?? []);
    expect(made("executor").sort()).toEqual(
      [...Object.values(EVENT_STREAMS), "KV_rayflow_deliberations"].sort((a, b) => (a < b ? -1 : 1)),
    );
    expect(made("context").sort()).toEqual(["CONTEXT_EVENTS", "KV_rayflow_context", "ORCHESTRATOR_EVENTS"]);
    for (const role of ["executor", "context"] as const) {
      const changes = rolePermissions(role).publish.allow.filter((rule) => /STREAM\.(UPDATE|DELETE)/.test(rule));
      expect(changes).toEqual([]);
    }
  });

  it("nobody but the server fires a timer", () => {
    expect(ROLES.filter((role) => may(role, "publish", "rayflow.fire.0.r1.t"))).toEqual([]);
  });

  it("further subjects are added as they are given", () => {
    const allow = [{ publish: "orders.>" }, { subscribe: "vllm.streaming.*" }];
    const { publish, subscribe } = rolePermissions("actor:io_nats_publish", { allow });
    expect(publish.allow).toContain("orders.>");
    expect(subscribe.allow).toContain("vllm.streaming.*");
  });

  it("a role is named exactly", () => {
    for (const text of ["root", "actor:", "actor:a.b", "actor:>", "actor:a,,b", "actor:*"]) {
      expect(() => parseRole(text), text).toThrow(/no role/);
    }
  });
});
