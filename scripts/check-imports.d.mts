/** Types of check-imports.mjs, for its test. */
export function refusal(file: string, specifier: string): string | undefined;
export function importsOf(source: string): string[];
export function findCycle(edges: ReadonlyMap<string, ReadonlySet<string>>): string[] | undefined;
export function checkCheckout(): string[];
export function roomOf(file: string): string | undefined;
