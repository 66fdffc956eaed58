/**
 * `npm run bench:peers`: RayFlow and its peers at the same workloads, in turns (A B C, then C B A), each round on empty
 * folders. Says how it gets on on stderr, writes the tables to stdout.
 */
import { writeFileSync } from "node:fs";
import { standing } from "../contest.ts";
import { describeMachine } from "../machine.ts";
import { installPeers } from "./install.mjs";
import { readOptions, usage } from "./options.mjs";

const say = (/** @type {string} */ line) => process.stderr.write(`${line}\n`);

async function main() {
  const options = readOptions(process.argv.slice(2));
  if (options === "help") return void process.stdout.write(usage);
  installPeers();
  const [{ gather }, { measureAll }, { markdown }] = await Promise.all([
    import("./contestants.mjs"),
    import("./plan.mjs"),
    import("./report.mjs"),
  ]);
  const machine = await describeMachine();
  const { contestants, versions, skipped } = gather(options, say);
  /** By durability and name. @type {Map<import("./options.mjs").Durability, Map<string, import("../contest.ts").Sample[]>>} */
  const classes = new Map(options.durabilities.map((durability) => [durability, new Map()]));
  /** @type {Map<import("./contestants.mjs").Contestant, string>} */
  const failed = new Map();
  for (let round = 1; round <= options.rounds; round++) {
    // Every second round the other way round: what comes first has no advantage.
    for (const contestant of round % 2 === 1 ? contestants : contestants.toReversed()) {
      if (failed.has(contestant)) continue;
      const startedAt = performance.now();
      /** @type {import("./contestants.mjs").Running | undefined} */
      let running;
      try {
        running = await contestant.start();
        for (const [way, label] of Object.entries(contestant.ways)) {
          const name = Object.keys(contestant.ways).length === 1 ? contestant.name : `${contestant.name}, ${label}`;
          const samples = classes.get(contestant.durability);
          const sample = await measureAll(running, way, options.pace);
          samples?.set(name, [...(samples.get(name) ?? []), sample]);
          say(
            `round ${round}, ${contestant.durability}, ${name}: ${Math.round(sample["W1 256: steps/s"] ?? 0)} steps/s`,
          );
        }
      } catch (error) {
        // The others' figures are worth having.
        failed.set(contestant, error instanceof Error ? error.message : String(error));
        say(`\n*** ${contestant.name} (${contestant.durability}) FAILED: ${failed.get(contestant)} ***\n`);
      } finally {
        await running?.stop();
      }
      say(`  ${((performance.now() - startedAt) / 1000).toFixed(1)} s`);
    }
  }
  const results = [...classes].map(([durability, samples]) => ({
    durability,
    reference: "RayFlow",
    standings: [...samples.keys()].map((name) => standing(name, samples)),
  }));
  const failures = [...failed].map(([{ name, durability }, why]) => ({ name, durability, why }));
  const all = { machine, versions, skipped, failures, options, classes: results };
  const text = markdown(all);
  process.stdout.write(text);
  if (options.markdown !== undefined) writeFileSync(options.markdown, text);
  if (options.out !== undefined) writeFileSync(options.out, `${JSON.stringify(all, null, 2)}\n`);
  if (failed.size > 0) throw new Error(`${failures.length} of ${contestants.length} contestants failed`);
}

main().then(
  () => process.exit(0),
  (error) => {
    say(`bench:peers: ${error instanceof Error ? error.stack : String(error)}`);
    process.exit(1);
  },
);
