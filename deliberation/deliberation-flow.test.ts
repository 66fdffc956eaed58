import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { checkFlow } from "../flow/index.ts";
import { runIdOf } from "../nats/index.ts";
import { builtinNodes } from "../nodes/index.ts";
import { councilFlow } from "./council-flow.ts";
import { buildDeliberation } from "./deliberation-flow.ts";
import { deliberationIdOf, deliberationMsgId, deliberationSubjects } from "./messages.ts";
import { jsonAnswer } from "./stand-in-answer.ts";

const types = new Map(Object.values(builtinNodes).map(({ nodeType }) => [nodeType.type, nodeType]));
const request = {
  task_id: "t-1",
  task_description: "Choose",
  role: "dev",
  agents: [{ id: "a" }, { id: "b" }, { id: "c" }],
};

describe("the flow", () => {
  it("is valid, without a warning, and its nodes do not lie on each other", () => {
    const { errors, warnings, flow } = checkFlow(councilFlow({ deadline: "10m" }), types);
    expect({ errors, warnings }).toEqual({ errors: [], warnings: [] });
    const places = (flow?.nodes ?? []).map(({ position }) => `${position?.x} ${position?.y}`);
    expect(new Set(places).size).toBe(places.length);
  });

  it("is the one in examples/flows", () => {
    const file = new URL("../examples/flows/deliberation.json", import.meta.url);
    expect(JSON.parse(readFileSync(file, "utf8")).flow).toEqual(councilFlow({ deadline: "10m" }));
  });

  it("announces a completed deliberation at one place only", () => {
    const { flow } = checkFlow(councilFlow({ deadline: "10m" }), types);
    const announcing = flow?.edges.filter(({ target_pin, target }) => target_pin === "verdict" && target !== "judge");
    expect(announcing?.map(({ target }) => target)).toEqual(["announce"]);
  });
});

describe("a request", () => {
  it("becomes what is submitted: the flow with its deadline, the inputs, the task's id as its key", () => {
    const built = buildDeliberation({
      ...request,
      constraints: { timeout_seconds: 30, story_id: "s" },
      vllm_model: "m",
    });
    expect(built.options.msgId).toBe("deliberation:t-1");
    expect(built.inputs).toMatchObject({ quorum: 2, rounds: 1, deadline_seconds: 30, vllm_url: "", vllm_model: "m" });
    expect(built.flow).toEqual(councilFlow({ deadline: 30 }));
    expect(buildDeliberation({ ...request, deadline: "90s" }).inputs).toMatchObject({ deadline_seconds: 90 });
  });

  it.each([
    [{ agents: [] }, "agents"],
    [{ agents: [{ id: "a" }, { id: "a" }] }, "two of them are called a"],
    [{ quorum: 4 }, "cannot be had"],
    [{ rounds: 0 }, "rounds"],
    [{ task_id: "" }, "task_id"],
    [{ deadline: "soon" }, "deadline"],
  ])("with %j is refused, naming what is off", (more, message) => {
    expect(() => buildDeliberation({ ...request, ...more } as typeof request)).toThrow(message);
  });
});

it("a task's id may be any text: subjects and ids are made of it safely", () => {
  for (const taskId of ["t.*>", "ä ö", "x".repeat(500), "a\nb"]) {
    expect(deliberationSubjects.streaming(taskId)).toMatch(/^vllm\.streaming\.[A-Za-z0-9_=-]+$/);
    expect(deliberationMsgId(taskId)).toMatch(/^deliberation:[\x21-\x7e]{1,256}$/);
    expect(deliberationIdOf(taskId)).toBe(runIdOf(deliberationMsgId(taskId)));
  }
});

it("the stand-in's JSON fits what it is asked for", () => {
  const item = {
    type: "object",
    properties: {
      answer: { type: "integer", minimum: 1, maximum: 3 },
      score: { type: "number", minimum: 0, maximum: 1 },
    },
  };
  const schema = {
    type: "object",
    properties: { answers: { type: "array", items: item, minItems: 3 }, ok: { type: "boolean" } },
  };
  const made = jsonAnswer(schema, { system: "", user: "x" }) as { answers: { answer: number; score: number }[] };
  expect(made.answers.map(({ answer }) => answer)).toEqual([1, 2, 3]);
  expect(made.answers.every(({ score }) => score >= 0 && score <= 1)).toBe(true);
});
