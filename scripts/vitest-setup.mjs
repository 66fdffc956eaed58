/** Builds what is stale before the tests that drive dist/, and sees to a browser; for those who call vitest without `npm test`. */
import { provideBrowser } from "./browser.mjs";
import { setUp } from "./setup.mjs";

export const setup = async () => {
  await setUp();
  await provideBrowser((line) => process.stderr.write(`${line}\n`));
};
