/** `rayflow deliberate` as a user calls it: with nothing set up, and with an endpoint of one's own. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { type ModelStandIn, startModelStandIn } from "../deliberation/index.ts";
import { rayflow } from "./rayflow-process.ts";

let model: ModelStandIn;
beforeAll(async () => {
  model = await startModelStandIn();
});
afterAll(() => model.close());

const none = { VLLM_URL: "", VLLM_MODEL: "", RAYFLOW_MODEL_ENDPOINTS: "" };

test("without an endpoint a stand-in answers, and all that is printed says so", async () => {
  const args = ["deliberate", "Choose a queue", "--agents", "ada,bea:tester", "--role", "architect", "--rounds", "2"];
  const { code, stdout, stderr } = await rayflow([...args, "--constraint", "budget=small", "--json"], { env: none });
  expect(code, stderr).toBe(0);
  expect(stderr).toContain("No VLLM_URL is set: a stand-in answers.");
  expect(stderr).toMatch(/✔ ada, round 2 .*stand-in/);
  const { success, result } = JSON.parse(stdout);
  expect(success).toBe(true);
  expect(result).toMatchObject({ stand_in: true, rounds: 2, role: "architect", failures: [] });
  expect(result.results.map(({ agent_id }: { agent_id: string }) => agent_id).sort()).toEqual(["ada", "bea"]);
  expect(result.winner.proposal).toContain("[stand-in: no model wrote this]");
});

test("with VLLM_URL that endpoint is asked, its failures are shown, and a failed deliberation ends with 1", async () => {
  const env = { ...none, VLLM_URL: model.url, VLLM_MODEL: "stand-in?status=400" };
  const { code, stdout, stderr } = await rayflow(["deliberate", "Choose a queue", "--agents", "2"], { env });
  expect(code).toBe(1);
  expect(stdout).toBe("");
  expect(stderr).not.toContain("No VLLM_URL");
  expect(stderr).toMatch(/✖ agent-1, round 1: ModelError/);
  expect(stderr).toContain("QuorumNotReached");
  expect(model.seen).toHaveLength(2);
});

test("what cannot be asked is refused before anything starts", async () => {
  for (const [args, said] of [
    [["--agents", "0"], "--agents"],
    [["--agents", "a,a"], "two of them"],
    [["--constraint", "nonsense"], "--constraint"],
    [["--rubric", "/no/such.json"], "no such file"],
  ] as const) {
    const { code, stderr } = await rayflow(["deliberate", "x", ...args], { env: none });
    expect(code, stderr).not.toBe(0);
    expect(stderr).toContain(said);
  }
});
