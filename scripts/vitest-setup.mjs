/** Builds what is stale before the tests that drive dist/; for those who call vitest without `npm test`. */
import { setUp } from "./setup.mjs";

export const setup = () => setUp();
