/** With a safeguard switched off, the simulation finds it: so it would find one that breaks by itself. */
import { expect, test } from "vitest";
import { sabotages } from "./testing-sabotage.ts";
import { simulate } from "./testing-simulation.ts";

const SEEDS = 150;
/** Results that nobody waits for any more must be frequent enough to be missed when they are let in. */
const faults = { lateResult: 0.3, repeat: 0.3, nodeFailure: 0.3 };

test.each(Object.entries(sabotages))(
  `without %s, one of ${SEEDS} seeds fails`,
  async (_, sabotage) => {
    for (let seed = 1; seed <= SEEDS; seed++) {
      if ((await simulate(seed, { sabotage, faults })).violations.length === 0) continue;
      // It must be the sabotage that is found, not something else.
      if ((await simulate(seed, { faults })).violations.length === 0) return;
    }
    expect.fail("the sabotage went unnoticed");
  },
  60_000,
);
