/**
 * The methods of the executor, over the directory alone.
 *
 * G1. Nothing is kept here: what a method answers comes from the log, the history and the records.
 * G2. Every failure has the status that fits it, and names what is off.
 */
import { create } from "@bufbuild/protobuf";
import { jetstreamManager } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import { RayflowError } from "../../flow/index.ts";
import { askOrchestrators, readActors } from "../../gateway/index.ts";
import { ensureTopology } from "../../nats/index.ts";
import { leaseOwners } from "../../store/index.ts";
import type { DeliberationDirectory } from "../deliberation-directory.ts";
import {
  CancelDeliberationResponseSchema,
  ExecuteDeliberationResponseSchema,
  GetActiveJobsResponseSchema,
  GetClusterStatsResponseSchema,
  GetDeliberationStatusResponseSchema,
  GetStatusResponseSchema,
  ListCouncilsResponseSchema,
  ListDeliberationsResponseSchema,
  type RayExecutorService,
  WatchDeliberationResponseSchema,
} from "../generated/ray_executor/v1/ray_executor_pb.ts";
import { deliberationIdOf } from "../messages.ts";
import { type StartOptions, startDeliberation } from "../start-deliberation.ts";
import { watchDeliberation } from "../watch-deliberation.ts";
import type { StreamHandlers, UnaryHandlers } from "./calls.ts";
import { readExecute, readId, readList } from "./read-request.ts";
import {
  councilMessage,
  jobMessage,
  newsMessage,
  outcomeMessage,
  statsMessage,
  summaryMessage,
} from "./write-response.ts";

export interface HandlerOptions {
  readonly nc: NatsConnection;
  readonly directory: DeliberationDirectory;
  readonly defaults: NonNullable<StartOptions["defaults"]>;
  /** Most deliberations that may go on at once; more are refused. Default: no limit. */
  readonly maxActive?: number | undefined;
  /** Most that may watch at once. */
  readonly maxWatchers: number;
}

const ASK_MS = 300;

export function unaryHandlers(options: HandlerOptions): UnaryHandlers<typeof RayExecutorService> {
  const { nc, directory, defaults, maxActive } = options;
  const startedMs = Date.now();
  return {
    executeDeliberation: async (request) => {
      const wanted = readExecute(request);
      if (maxActive !== undefined) await requireRoom(directory, wanted.task_id, maxActive);
      const { records, runs } = directory;
      const { deliberationId, isNew } = await startDeliberation(wanted, { nc, records, runs, defaults });
      const count = `${wanted.agents.length} agent${wanted.agents.length === 1 ? "" : "s"}`;
      if (isNew) {
        const message = `${count} of ${wanted.role} deliberate on ${wanted.task_id}`;
        return create(ExecuteDeliberationResponseSchema, { deliberationId, status: "submitted", message });
      }
      const { status } = await directory.outcome(deliberationId);
      const message = `task ${wanted.task_id} was submitted before`;
      return create(ExecuteDeliberationResponseSchema, { deliberationId, status, message });
    },
    getDeliberationStatus: async ({ deliberationId }) =>
      create(GetDeliberationStatusResponseSchema, outcomeMessage(await directory.outcome(readId(deliberationId)))),
    getStatus: async () => {
      const [owners, totals] = await Promise.all([leaseOwners(nc), directory.totals()]);
      return create(GetStatusResponseSchema, {
        status: owners.size > 0 ? "healthy" : "degraded",
        uptimeSeconds: BigInt(Math.floor((Date.now() - startedMs) / 1000)),
        stats: statsMessage(totals),
      });
    },
    getActiveJobs: async () => {
      const jobs = await directory.jobs();
      return create(GetActiveJobsResponseSchema, { jobs: jobs.map((job) => jobMessage(job, Date.now())) });
    },
    cancelDeliberation: async ({ deliberationId, reason }) => {
      const status = await directory.cancel(readId(deliberationId), reason === "" ? undefined : reason);
      return create(CancelDeliberationResponseSchema, { deliberationId, status });
    },
    listDeliberations: async (request) => {
      const { deliberations, cursor } = await directory.page(readList(request));
      return create(ListDeliberationsResponseSchema, {
        deliberations: deliberations.map(summaryMessage),
        nextPageToken: cursor ?? "",
      });
    },
    listCouncils: async ({ role }) => {
      const councils = (await directory.councils.read()).filter((one) => role === "" || one.role === role);
      return create(ListCouncilsResponseSchema, { councils: councils.map(councilMessage) });
    },
    getClusterStats: async () => {
      const jsm = await jetstreamManager(nc, { checkAPI: false });
      const [owners, answers, actors, topology, streams] = await Promise.all([
        leaseOwners(nc),
        askOrchestrators(nc, ASK_MS),
        readActors(jsm),
        ensureTopology(nc),
        jsm.streams.list().next(),
      ]);
      return create(GetClusterStatsResponseSchema, {
        orchestrators: [...new Set([...owners.values(), ...answers.map(({ id }) => id)])].sort().map((id) => {
          const answer = answers.find((one) => one.id === id);
          const partitions = [...owners].filter(([, owner]) => owner === id).map(([partition]) => partition);
          return { id, partitions, version: answer?.version ?? "", activeRuns: answer?.active_runs ?? 0 };
        }),
        actors: actors.map(({ type, waiting, queued, running }) => ({
          type,
          waiting: BigInt(waiting),
          queued: BigInt(queued),
          running: BigInt(running),
        })),
        streams: streams.map(({ config, state }) => ({
          name: config.name,
          messages: BigInt(state.messages),
          bytes: BigInt(state.bytes),
          consumers: state.consumer_count,
        })),
        partitions: topology.partitions,
        natsVersion: nc.info?.version ?? "",
        natsServers: 1 + (nc.info?.connect_urls?.length ?? 0),
      });
    },
  };
}

export function streamHandlers(options: HandlerOptions): StreamHandlers<typeof RayExecutorService> {
  const { nc, directory, maxWatchers } = options;
  let watching = 0;
  return {
    watchDeliberation: async function* ({ deliberationId, includeTokens }, signal) {
      const id = readId(deliberationId);
      const record = await directory.record(id);
      if (watching >= maxWatchers) {
        throw new RayflowError("GatewayBusy", `${watching} watch already; no more at the moment`);
      }
      watching++;
      try {
        const agentIds = record.agents.map((agent) => agent.id);
        for await (const news of watchDeliberation(nc, directory, id, { signal, tokens: includeTokens })) {
          if (news.kind !== "ended") {
            yield create(WatchDeliberationResponseSchema, newsMessage(news, agentIds));
            continue;
          }
          const outcome = outcomeMessage(await directory.outcome(id));
          const value = { status: outcome.status ?? "", summary: "ended", outcome };
          yield create(WatchDeliberationResponseSchema, {
            ...(outcome.endedAt === undefined ? {} : { time: outcome.endedAt }),
            event: { case: "state", value },
          });
        }
      } finally {
        watching--;
      }
    },
  };
}

/** @throws GatewayBusy; a task that was submitted before needs no room. */
async function requireRoom(directory: DeliberationDirectory, taskId: string, maxActive: number): Promise<void> {
  if ((await directory.records.find(deliberationIdOf(taskId))) !== undefined) return;
  const live = await directory.live();
  if (live.length < maxActive) return;
  throw new RayflowError("GatewayBusy", `${live.length} deliberations go on; no more than ${maxActive} may`);
}
