/**
 * The workloads that every system runs, and what a step does: next to nothing, so that what is measured is the engine.
 * Each run's result says whether all of its steps ran.
 */

/** How many steps W1's chain has. */
export const chainLength = 10;
/** How many steps W2 fans out to. */
export const fanWidth = 100;

/** @typedef {"chain" | "fanOut" | "single"} Workload */

/**
 * Steps of one run, and the result it must have: each step adds one to what it is given, and the join adds up.
 * @type {Record<Workload, {steps: number, result: number}>}
 */
export const workloads = {
  chain: { steps: chainLength, result: chainLength },
  fanOut: { steps: fanWidth, result: fanWidth },
  single: { steps: 1, result: 1 },
};

/** The trivial step. @param {number} value */
export const step = (value) => value + 1;

/** 0, 1 … count-1. @param {number} count */
export const countTo = (count) => Array.from({ length: count }, (_, i) => i);
