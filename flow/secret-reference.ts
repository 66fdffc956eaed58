/**
 * `{"$secret": "name"}` in a node's config or in a constant: a text that the flow does not hold. The actor puts it there
 * right before node code runs; everybody else passes the reference along.
 */

export interface SecretReference {
  readonly $secret: string;
}

const NAME_PATTERN = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/;

export function isSecretReference(value: unknown): value is SecretReference {
  if (typeof value !== "object" || value === null || !Object.hasOwn(value, "$secret")) return false;
  const { $secret } = value as { $secret?: unknown };
  return typeof $secret === "string" && NAME_PATTERN.test($secret) && Object.keys(value).length === 1;
}

/** Whether a reference stands anywhere in a value. */
export function holdsSecret(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  return isSecretReference(value) || Object.values(value).some(holdsSecret);
}

/** The value with something else in the place of each reference; the same value when it holds none. */
export function replaceSecrets(value: unknown, replace: (name: string) => unknown): unknown {
  if (!holdsSecret(value)) return value;
  if (isSecretReference(value)) return replace(value.$secret);
  if (Array.isArray(value)) return value.map((item) => replaceSecrets(item, replace));
  return Object.fromEntries(Object.entries(value as object).map(([key, item]) => [key, replaceSecrets(item, replace)]));
}

/** The value as its type sees it: a secret is a text. */
export function secretsAsText(value: unknown): unknown {
  return replaceSecrets(value, (name) => name);
}
