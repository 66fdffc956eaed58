/** Every example flow gives what its cases say, against a real server: through the command, and from a bare client. */
import path from "node:path";
import { connect, createInbox, headers, type NatsConnection } from "@nats-io/transport-node";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { exampleCases, examplesFolder, type FlowCase } from "./example-cases.ts";
import { rayflow, startDev } from "./rayflow-process.ts";

let dev: Awaited<ReturnType<typeof startDev>>;
let nc: NatsConnection;
beforeAll(async () => {
  dev = await startDev();
  nc = await connect({ servers: dev.url });
});
afterAll(async () => {
  await nc?.close();
  await dev?.stop();
});

const cases = exampleCases().map((one) => [`${one.name} ${JSON.stringify(one.expected.inputs ?? {})}`, one] as const);

describe.concurrent("rayflow run", () => {
  for (const [name, { file, expected }] of cases) {
    it(`${name} gives what its case says`, async () => {
      const input = JSON.stringify(expected.inputs ?? {});
      const { code, stdout, stderr } = await rayflow(["run", file, "--input", input, "--json", "--server", dev.url]);
      const said = JSON.parse(stdout);
      if (expected.invalid === undefined) {
        expect(code, stderr).toBe(expected.error === undefined ? 0 : 1);
        expectResult(said, expected);
      } else {
        expect({ code, valid: said.valid }, stderr).toEqual({ code: 2, valid: false });
        expectErrors(said.errors, expected);
      }
    });
  }
});

describe.concurrent("a bare NATS client", () => {
  for (const [name, { flow, expected }] of cases) {
    it(`publishes ${name} and hears what its case says`, async () => {
      const reply = createInbox();
      const answers = nc.subscribe(reply);
      const h = headers();
      h.set("Rayflow-Reply", reply);
      nc.publish("rayflow.flow.run", JSON.stringify({ flow, inputs: expected.inputs ?? {} }), { headers: h });
      const kinds: string[] = [];
      for await (const message of answers) {
        const answer = message.json<{ kind: string; result: unknown; errors: { code: string }[] }>();
        kinds.push(answer.kind);
        if (answer.kind === "accepted") continue;
        if (expected.invalid === undefined) expectResult(answer.result, expected);
        else expectErrors(answer.errors, expected);
        break;
      }
      expect(kinds.at(-1)).toBe(expected.invalid === undefined ? "finished" : "refused");
    });
  }
});

describe("rayflow validate", () => {
  it("prints for an invalid flow what run prints, and exits with 2", async () => {
    const file = path.join(examplesFolder, "invalid-many.json");
    const validated = await rayflow(["validate", file, "--json", "--server", dev.url]);
    const run = await rayflow(["run", file, "--json", "--server", dev.url]);
    expect(JSON.parse(validated.stdout)).toEqual(JSON.parse(run.stdout));
    expect([validated.code, run.code]).toEqual([2, 2]);
  });

  it("exits with 0 for a valid one", async () => {
    const file = path.join(examplesFolder, "sum.json");
    const { code, stdout } = await rayflow(["validate", file, "--json", "--server", dev.url]);
    expect({ code, ...JSON.parse(stdout) }).toMatchObject({ code: 0, valid: true, errors: [] });
  });
});

function expectResult(said: unknown, expected: FlowCase): void {
  if (expected.error !== undefined) {
    expect(said).toMatchObject({ success: false, error: { code: expected.error } });
    return;
  }
  expect(said).toMatchObject({ success: true, return: expected.return });
  if (expected.result !== undefined) expect(said).toMatchObject({ result: expected.result });
  if (expected.status_code !== undefined) expect(said).toMatchObject({ status_code: expected.status_code });
}

function expectErrors(errors: readonly { code: string }[], { invalid = [] }: FlowCase): void {
  expect(errors.map(({ code }) => code).sort()).toEqual([...invalid].sort());
}
