/** docs/operations.md says of each alert what it means, and speaks of commands and flags that there are. */
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "..");
const read = (...parts: string[]): string => readFileSync(path.join(root, ...parts), "utf8");
const page = read("docs", "operations.md");

it("every alert has its section, and every section its alert", () => {
  const alerts = [...read("examples", "observability", "prometheus-rules.yaml").matchAll(/- alert: (\w+)/g)];
  const sections = [...page.matchAll(/^### (Rayflow\w+)\n(.+)/gm)];
  expect(alerts.length).toBeGreaterThan(10);
  expect(sections.map(([, name]) => name).sort()).toEqual(alerts.map(([, name]) => name).sort());
  for (const [, name, text] of sections) expect(text?.length, name).toBeGreaterThan(60);
});

it("links lead to pages and headings that there are", () => {
  const slug = (heading: string) =>
    heading
      .toLowerCase()
      .replace(/[^a-z0-9 -]/g, "")
      .replaceAll(" ", "-");
  for (const name of ["operations.md", "security.md"]) {
    for (const [, target = ""] of read("docs", name).matchAll(/\]\(([^)]+)\)/g)) {
      if (/^https?:/.test(target)) continue;
      const [file = "", heading] = target.split("#");
      const text = read("docs", file === "" ? name : file);
      const headings = [...text.matchAll(/^#+ (.+)$/gm)].map(([, title = ""]) => slug(title));
      if (heading !== undefined) expect(headings, `${name}: ${target}`).toContain(heading);
    }
  }
});

it("each command that it names is one", () => {
  const commands = new Set(readdirSync(path.join(root, "cli", "commands")).map((file) => file.replace(/\.ts$/, "")));
  const named = [...page.matchAll(/`?rayflow ([a-z]+)/g)].map(([, name = ""]) => name);
  expect(named.length).toBeGreaterThan(10);
  expect(named.filter((name) => !commands.has(name))).toEqual([]);
});
