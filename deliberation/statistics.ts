/** How many deliberations ended how, and who sat in the councils: both from headers alone, whichever process asks. */
import type { NatsConnection } from "@nats-io/transport-node";
import { bucketStream, STREAMS, subjects } from "../nats/index.ts";
import { historyHeaders } from "../store/index.ts";
import { FLOW_NAME } from "./deliberation-flow.ts";
import { HeaderFold } from "./header-fold.ts";
import { RECORDS_BUCKET, recordCouncil, recordHeaders } from "./task-records.ts";

export interface EndedDeliberations {
  readonly completed: number;
  readonly failed: number;
  readonly cancelled: number;
  /** Of the completed ones, ms; 0 when there is none. */
  readonly averageMs: number;
}

/** What the history holds: a deliberation that has aged out of it does not count any more when a process starts anew. */
export class EndedCounter {
  readonly #fold: HeaderFold;
  readonly #counts = { succeeded: 0, failed: 0, cancelled: 0 };
  /** A run may be in the history twice after a recovery. */
  readonly #seen = new Set<string>();
  #totalMs = 0;

  constructor(nc: NatsConnection) {
    this.#fold = new HeaderFold({
      nc,
      stream: STREAMS.history,
      filter: subjects.historyOfFlow(FLOW_NAME),
      take: ({ subject, headers }) => {
        const run = subject.split(".").at(-1) ?? "";
        const status = headers?.get(historyHeaders.status);
        if (headers?.has(historyHeaders.segment) || this.#seen.has(run)) return;
        if (status !== "succeeded" && status !== "failed" && status !== "cancelled") return;
        this.#seen.add(run);
        this.#counts[status]++;
        if (status !== "succeeded") return;
        this.#totalMs += Number(headers?.get(historyHeaders.ended)) - Number(headers?.get(historyHeaders.started));
      },
    });
  }

  async read(): Promise<EndedDeliberations> {
    await this.#fold.catchUp();
    const { succeeded: completed, failed, cancelled } = this.#counts;
    return { completed, failed, cancelled, averageMs: completed === 0 ? 0 : this.#totalMs / completed };
  }

  /** As of the last `read`. */
  has(run: string): boolean {
    return this.#seen.has(run);
  }
}

export interface CouncilMember {
  readonly id: string;
  readonly model: string;
  readonly deliberations: number;
  readonly lastActiveMs: number;
}

export interface Council {
  readonly role: string;
  readonly agents: readonly CouncilMember[];
  readonly deliberations: number;
  readonly lastActiveMs: number;
}

/** The agents of all deliberations that there are records of. */
export class CouncilCounter {
  readonly #fold: HeaderFold;
  readonly #councils = new Map<string, { deliberations: number; lastActiveMs: number }>();
  /** By role, by agent. */
  readonly #members = new Map<string, Map<string, CouncilMember>>();
  /** A record is written again when its run was refused. */
  readonly #seen = new Set<string>();

  constructor(nc: NatsConnection) {
    this.#fold = new HeaderFold({
      nc,
      stream: bucketStream(RECORDS_BUCKET),
      filter: `$KV.${RECORDS_BUCKET}.>`,
      take: ({ subject, headers }) => {
        const written = headers?.get(recordHeaders.council);
        if (!written || this.#seen.has(subject)) return;
        const parsed = recordCouncil.safeParse(parse(Buffer.from(written, "base64url").toString("utf8")));
        if (!parsed.success) return;
        this.#seen.add(subject);
        const { role, agents, created_ms } = parsed.data;
        const known = this.#councils.get(role);
        this.#councils.set(role, {
          deliberations: (known?.deliberations ?? 0) + 1,
          lastActiveMs: Math.max(known?.lastActiveMs ?? 0, created_ms),
        });
        for (const { id, model } of agents) this.#sit(role, id, model, created_ms);
      },
    });
  }

  #sit(role: string, id: string, model: string, atMs: number): void {
    const members = this.#members.get(role) ?? new Map<string, CouncilMember>();
    const known = members.get(id);
    const isLatest = known === undefined || atMs >= known.lastActiveMs;
    members.set(id, {
      id,
      model: isLatest ? model : known.model,
      deliberations: (known?.deliberations ?? 0) + 1,
      lastActiveMs: isLatest ? atMs : known.lastActiveMs,
    });
    this.#members.set(role, members);
  }

  /** By role, the agents by id. */
  async read(): Promise<Council[]> {
    await this.#fold.catchUp();
    return [...this.#councils]
      .map(([role, { deliberations, lastActiveMs }]) => ({
        role,
        deliberations,
        lastActiveMs,
        agents: [...(this.#members.get(role)?.values() ?? [])].sort((a, b) => (a.id < b.id ? -1 : 1)),
      }))
      .sort((a, b) => (a.role < b.role ? -1 : 1));
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
