/** Manifests as text that `kubectl apply -f -` takes. */
import { stringify } from "yaml";
import type { Manifest } from "./manifest.ts";

/** One YAML document after the other, without anchors: the same manifests always give the same text. */
export function toYaml(manifests: readonly Manifest[]): string {
  const documents = manifests.map((manifest) =>
    stringify(manifest, { lineWidth: 0, aliasDuplicateObjects: false, schema: "core" }),
  );
  return documents.join("---\n");
}

/** One object of kind List. */
export function toList(manifests: readonly Manifest[]) {
  return { apiVersion: "v1", kind: "List", items: manifests };
}
