/** `npm run docs:statechart`: writes docs/statechart.md from the run machine. `--check` only says whether it is up to date. */
import path from "node:path";
import { pathToFileURL } from "node:url";
import { root, setUp } from "./setup.mjs";
import { statechartText } from "./statechart-text.mjs";
import { writeOrCheck } from "./write-or-check.mjs";

await setUp();
const built = path.join(root, "dist", "orchestrator", "run", "xstate-machine.js");
const { xstateMachine } = await import(pathToFileURL(built).href);
writeOrCheck(path.join(root, "docs", "statechart.md"), statechartText(xstateMachine()));
