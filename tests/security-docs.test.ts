import { readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { type Limit, runLimits, tenantLimits } from "../flow/index.ts";

test("docs/security.md says each limit as it is", () => {
  const file = path.join(path.dirname(fileURLToPath(import.meta.url)), "..", "docs", "security.md");
  const page = readFileSync(file, "utf8");
  const limits: Record<string, Limit> = { ...runLimits, ...tenantLimits };
  for (const [name, { default: usual, counts }] of Object.entries(limits)) {
    expect(page).toContain(`| \`${name}\` | ${usual} | ${counts} |`);
  }
});
