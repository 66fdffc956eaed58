import { defineConfig } from "vitest/config";

const shared = { pool: "forks", watch: false } as const;
const ignored = ["**/node_modules/**", "dist/**"];

/** Three kinds of test: pure and fast, with a real nats-server, with processes. */
export default defineConfig({
  test: {
    // Most tests wait for other processes: two at a time take half as long, also where there are only two cores.
    maxWorkers: 2,
    projects: [
      {
        test: {
          ...shared,
          name: "pure",
          // Nothing in them outlives a test: loading every module for each file took half of their time.
          isolate: false,
          // Generous: properties run hundreds of cases, on machines that have other things to do.
          testTimeout: 60_000,
          include: ["**/*.test.ts"],
          exclude: [...ignored, "**/*.int.test.ts", "**/*.e2e.test.ts"],
        },
      },
      {
        test: {
          ...shared,
          name: "int",
          include: ["**/*.int.test.ts"],
          exclude: ignored,
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          ...shared,
          name: "e2e",
          include: ["**/*.e2e.test.ts"],
          exclude: ignored,
          testTimeout: 120_000,
          hookTimeout: 120_000,
          // Processes and browsers on a busy machine take their time; what is waited for comes or does not.
          expect: { poll: { timeout: 15_000 } },
          fileParallelism: true,
          // They drive dist/: it must be what the sources say.
          globalSetup: ["scripts/vitest-setup.mjs"],
        },
      },
    ],
  },
});
