#!/usr/bin/env node
// The `rayflow` command. In a checkout it sets up what is missing or stale first; an installed package comes built.
import { existsSync } from "node:fs";

if (existsSync(new URL("../tsconfig.build.json", import.meta.url))) {
  try {
    const { setUp } = await import("../scripts/setup.mjs");
    await setUp();
  } catch (error) {
    process.stderr.write(`rayflow: ${error.message}\n`);
    process.exit(1);
  }
}
await import("../dist/cli/main.js");
