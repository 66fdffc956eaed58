/** The compose file of the docs, as far as it can be checked without its images. */
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { parse } from "yaml";

const folder = path.resolve(import.meta.dirname, "../examples/observability");
const { services } = parse(readFileSync(path.join(folder, "compose.yaml"), "utf8")) as {
  services: Record<string, { image: string; ports: string[]; volumes?: string[] }>;
};

test("every image has a version", () => {
  expect(Object.keys(services)).toEqual(["nats", "jaeger", "prometheus", "grafana"]);
  for (const { image } of Object.values(services)) expect(image).toMatch(/:v?\d+\.\d+\.\d+/);
});

test("every file that is mounted is there", () => {
  const mounted = Object.values(services).flatMap(({ volumes = [] }) => volumes.filter((one) => one.startsWith("./")));
  expect(mounted).not.toEqual([]);
  for (const mount of mounted) expect(existsSync(path.join(folder, mount.split(":")[0] ?? "")), mount).toBe(true);
});

test("nothing is reached from outside this machine", () => {
  for (const { ports } of Object.values(services)) {
    for (const port of ports) expect(port).toMatch(/^127\.0\.0\.1:\d+:\d+$/);
  }
});

test("Grafana's data sources are the other services, at their ports", () => {
  const { datasources } = parse(readFileSync(path.join(folder, "grafana/datasources.yaml"), "utf8"));
  for (const { url } of datasources as { url: string }[]) {
    const { hostname, port } = new URL(url);
    expect(
      services[hostname]?.ports.some((mapping) => mapping.endsWith(`:${port}`)),
      url,
    ).toBe(true);
  }
});
