export function findBrowser(env?: Readonly<Record<string, string | undefined>>): string | undefined;
export function provideBrowser(say: (line: string) => void): Promise<void>;
