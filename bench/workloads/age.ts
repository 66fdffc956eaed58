/** Whether throughput falls with the age of the log: the same server under load for minutes, its first and last part. */
import { jetstreamManager } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import { STREAMS } from "../../nats/index.ts";
import { type Bench, sampleStack } from "../bench.ts";
import { type Sample, standing } from "../contest.ts";
import { chain } from "../flows.ts";
import type { Durability } from "../processes.ts";

/** The share of the samples that counts as early, and as late. */
const EDGE = 1 / 4;

export async function age(bench: Bench, durability: Durability): Promise<void> {
  const of = {
    workload: "age",
    name: `${bench.options.ageSeconds} s of load`,
    durability,
    references: ["early", "ceiling early"],
  };
  if (!bench.wants(of.name)) return;
  await bench.close();
  bench.say(`${of.workload} ${of.name} (${durability})`);
  const flow = chain(10);
  const extent = bench.throughput(256);
  const stack = await bench.stack({ durability });
  await stack.deploy(flow.name, flow.flow);
  const ceiling = await bench.ceilingOf("batched", durability, flow, bench.throughput(256));
  // What compilers and caches gain in the first seconds is no property of the log.
  await sampleStack(stack, flow, extent);
  const own: Sample[] = [];
  const ceilings: Sample[] = [];
  const until = performance.now() + bench.options.ageSeconds * 1000;
  while (performance.now() < until || own.length < 4) {
    own.push(await sampleStack(stack, flow, extent));
    ceilings.push(await ceiling.sample());
  }
  const streams = await streamSizes(stack.server.url);
  bench.say(`  streams now: ${streams}`);
  const edge = Math.max(2, Math.floor(own.length * EDGE));
  const samples = new Map<string, readonly Sample[]>([
    ["early", own.slice(0, edge)],
    ["late", own.slice(-edge)],
  ]);
  // The machine may have changed in between: the ceiling says.
  const machine = new Map<string, readonly Sample[]>([
    ["ceiling early", ceilings.slice(0, edge)],
    ["ceiling late", ceilings.slice(-edge)],
  ]);
  bench.keep(of, [
    standing("early", samples),
    standing("late", samples),
    standing("ceiling early", machine),
    standing("ceiling late", machine),
  ]);
  await bench.close();
}

async function streamSizes(url: string): Promise<string> {
  const nc = await connect({ servers: url });
  try {
    const jsm = await jetstreamManager(nc);
    const sizes = [STREAMS.log, STREAMS.history, STREAMS.nodes, STREAMS.submit].map(async (name) => {
      const { state } = await jsm.streams.info(name);
      return `${name} ${state.messages} messages of ${state.last_seq}, ${Math.round(state.bytes / 2 ** 20)} MiB`;
    });
    return (await Promise.all(sizes)).join("; ");
  } finally {
    await nc.close();
  }
}
