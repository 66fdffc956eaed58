/** What every ContextStore must do, whatever it keeps things in. Run by the tests, and by hand against real databases. */
import assert from "node:assert/strict";
import type { ContextStore, DecisionContext } from "./context-store.ts";

let serial = 0;

export function decisionContext(more: Partial<DecisionContext> = {}): DecisionContext {
  // Databases that are there already hold what earlier runs wrote.
  const mark = `${Date.now().toString(36)}-${++serial}`;
  return {
    decision: {
      id: `decision:${mark}`,
      type: "deliberation",
      text: "Take NATS, for 'streams' and \"queues\" {alike}",
      rationale: "best of two",
      decidedBy: `ada ${mark}`,
      decidedAt: "2026-01-05T09:00:00.000Z",
    },
    deliberationId: `r${mark}`,
    task: { id: `PLAN:TASK.${mark}/ü`, description: "Choose a queue", role: "DEV" },
    planId: `PLAN ${mark}`,
    storyId: `US ${mark}`,
    answers: [
      { agentId: `ada ${mark}`, role: "DEV", score: 0.75, rank: 1, round: 1 },
      { agentId: `bea ${mark}`, role: "QA", score: 0.5, rank: 2, round: 2 },
    ],
    ...more,
  };
}

/** By what is to be true. */
export const contextStoreContract: Readonly<Record<string, (store: ContextStore) => Promise<void>>> = {
  "what was saved is found by its task, with agents, plan and story": async (store) => {
    const saved = decisionContext();
    await store.save(saved);
    assert.deepEqual(await store.task(saved.task.id), {
      task: saved.task,
      planId: saved.planId,
      storyId: saved.storyId,
      decisions: [{ ...saved.decision, deliberationId: saved.deliberationId }],
      answers: saved.answers.map((answer) => ({ ...answer, deliberationId: saved.deliberationId })),
    });
  },
  "the same decision saved twice, also at once, is one": async (store) => {
    const saved = decisionContext();
    await Promise.all([store.save(saved), store.save(saved)]);
    await store.save(saved);
    const found = await store.task(saved.task.id);
    assert.equal(found?.decisions.length, 1);
    assert.equal(found?.answers.length, 2);
    assert.deepEqual(await store.decisionsOf(saved.decision.decidedBy), [saved.decision.id]);
  },
  "a task without plan and story has neither": async (store) => {
    const saved = decisionContext({ planId: undefined, storyId: undefined });
    await store.save(saved);
    const found = await store.task(saved.task.id);
    assert.equal(found?.planId, undefined);
    assert.equal(found?.storyId, undefined);
  },
  "a second decision on a task stands beside the first": async (store) => {
    const first = decisionContext();
    const second = { ...decisionContext(), task: first.task };
    await store.save(first);
    await store.save(second);
    const found = await store.task(first.task.id);
    assert.deepEqual(
      found?.decisions.map(({ id }) => id),
      [first.decision.id, second.decision.id].sort(),
    );
    assert.equal(found?.answers.length, 4);
  },
  "an agent is found with every decision it took part in": async (store) => {
    const first = decisionContext();
    const second = { ...decisionContext(), answers: first.answers };
    await store.save(first);
    await store.save(second);
    assert.deepEqual(
      await store.decisionsOf(first.answers[1]?.agentId ?? ""),
      [first.decision.id, second.decision.id].sort(),
    );
    assert.deepEqual(await store.decisionsOf("nobody"), []);
  },
  "of a task that nobody knows nothing is known": async (store) => {
    assert.equal(await store.task("no such task"), undefined);
  },
  "a decision that is saved anew with another text has that one": async (store) => {
    const saved = decisionContext();
    await store.save(saved);
    await store.save({ ...saved, decision: { ...saved.decision, text: "Take it slowly" } });
    assert.equal((await store.task(saved.task.id))?.decisions[0]?.text, "Take it slowly");
  },
  "it answers when it is asked whether it is there": async (store) => {
    await store.check();
  },
};
