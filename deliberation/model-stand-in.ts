/**
 * A server that speaks /v1/chat/completions and has no model: for tests, and for a deliberation where no endpoint is set.
 *
 * N1. Every answer says that it is a stand-in: its text, its `model`, its `system_fingerprint`, a response header.
 * N2. The same question gets the same answer.
 * N3. It behaves badly where it is asked to (stand-in-behaviour.ts), and only there.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { z } from "zod";
import { jsonAnswer, STAND_IN_FINGERPRINT, textAnswer } from "./stand-in-answer.ts";
import { readBehaviour, type StandInBehaviour, usualBehaviour } from "./stand-in-behaviour.ts";

export const STAND_IN_MODEL = "stand-in";

/** A request as the stand-in saw it. */
export interface SeenRequest {
  readonly model: string;
  readonly stream: boolean;
  readonly messages: readonly { readonly role: string; readonly content: string }[];
  readonly maxTokens: number | undefined;
  readonly authorization: string | undefined;
  /** Ms since 1970. */
  readonly at: number;
  /** `gone`: the client left before the answer was out. */
  state: "open" | "answered" | "gone";
}

export interface ModelStandIn extends AsyncDisposable {
  /** `http://127.0.0.1:<port>`. */
  readonly url: string;
  readonly seen: readonly SeenRequest[];
  /** How many requests are open now, and how many were at most. */
  readonly open: number;
  readonly mostOpen: number;
  /** How the next requests are answered, in the words of stand-in-behaviour.ts; undefined: as usual. */
  behave(text: string | undefined): void;
  close(): Promise<void>;
}

const request = z.looseObject({
  model: z.string().default(STAND_IN_MODEL),
  messages: z.array(z.looseObject({ role: z.string(), content: z.string() })).min(1),
  stream: z.boolean().default(false),
  max_tokens: z.number().optional(),
  response_format: z.looseObject({ json_schema: z.looseObject({ schema: z.unknown() }).optional() }).optional(),
});
type ChatRequest = z.output<typeof request>;

const MAX_BODY_BYTES = 16 * 1024 * 1024;

/** @throws when the port is taken */
export async function startModelStandIn(options: { host?: string; port?: number } = {}): Promise<ModelStandIn> {
  const { host = "127.0.0.1", port = 0 } = options;
  const seen: SeenRequest[] = [];
  const used = new Map<string, number>();
  let standing: string | undefined;
  let mostOpen = 0;
  const open = () => seen.filter(({ state }) => state === "open").length;

  const behaviourOf = (asked: string): StandInBehaviour | undefined => {
    const found = asked === "" ? usualBehaviour : readBehaviour(asked);
    if (found === undefined) return undefined;
    const before = used.get(asked) ?? 0;
    used.set(asked, before + 1);
    const { after, times = Number.POSITIVE_INFINITY } = found;
    return before >= after && before < after + times ? found : usualBehaviour;
  };

  const complete = async (incoming: IncomingMessage, response: ServerResponse): Promise<void> => {
    const parsed = request.safeParse(await readJson(incoming));
    if (!parsed.success) return void sendError(response, 400, `no chat request: ${parsed.error.issues[0]?.message}`);
    const { model, messages, stream, max_tokens: maxTokens } = parsed.data;
    const [name = "", inName = ""] = model.split("?", 2);
    const header = incoming.headers["x-stand-in"];
    const behaviour = behaviourOf(inName || (typeof header === "string" ? header : "") || (standing ?? ""));
    const { authorization } = incoming.headers;
    const entry: SeenRequest = { model, stream, messages, maxTokens, authorization, at: Date.now(), state: "open" };
    seen.push(entry);
    mostOpen = Math.max(mostOpen, open());
    response.on("close", () => {
      entry.state = response.writableFinished ? "answered" : "gone";
    });
    if (behaviour === undefined) return void sendError(response, 400, `no behaviour of the stand-in: ${inName}`);
    await answer(response, { ...parsed.data, model: name || STAND_IN_MODEL }, behaviour);
  };

  const serve = async (incoming: IncomingMessage, response: ServerResponse): Promise<void> => {
    response.setHeader("x-model-stand-in", "true");
    const { pathname } = new URL(incoming.url ?? "/", "http://stand-in");
    switch (`${incoming.method} ${pathname}`) {
      case "POST /v1/chat/completions":
        return complete(incoming, response);
      case "GET /v1/models":
        return void sendJson(response, 200, { object: "list", data: [{ id: STAND_IN_MODEL, object: "model" }] });
      case "GET /health":
        return void sendJson(response, 200, { status: "ok", stand_in: true });
      case "GET /stand-in/requests":
        return void sendJson(response, 200, { requests: seen, open: open(), most_open: mostOpen });
      case "POST /stand-in/behaviour": {
        const asked = z.object({ behaviour: z.string().nullable() }).safeParse(await readJson(incoming));
        if (!asked.success || (asked.data.behaviour !== null && readBehaviour(asked.data.behaviour) === undefined)) {
          return void sendError(response, 400, "no behaviour of the stand-in");
        }
        standing = asked.data.behaviour ?? undefined;
        return void sendJson(response, 200, { behaviour: standing ?? null });
      }
      default:
        return void sendError(response, 404, `the stand-in has no ${incoming.method} ${pathname}`);
    }
  };

  const server: Server = createServer((incoming, response) => {
    serve(incoming, response).catch(() => response.destroy());
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject).listen(port, host, resolve);
  });
  const close = async (): Promise<void> => {
    server.closeAllConnections();
    await new Promise((done) => server.close(done));
  };
  return {
    url: `http://${host}:${(server.address() as AddressInfo).port}`,
    seen,
    get open() {
      return open();
    },
    get mostOpen() {
      return mostOpen;
    },
    behave: (text) => {
      standing = text;
      used.clear();
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

async function answer(response: ServerResponse, asked: ChatRequest, how: StandInBehaviour): Promise<void> {
  if (how.hang) return;
  if (how.delay > 0) await delay(how.delay);
  if (response.destroyed) return;
  if (how.drop && !asked.stream) return void response.destroy();
  if (how.status !== undefined) {
    if (how.retry_after !== undefined) response.setHeader("retry-after", how.retry_after);
    return void sendError(response, how.status, "the stand-in was asked to fail");
  }
  if (how.garbage) return void response.writeHead(200, { "content-type": "application/json" }).end("<html>no</html>");
  const text = how.text ?? contentFor(asked, how);
  const words = text.match(/\s*\S+/g) ?? [text];
  const length = asked.max_tokens !== undefined && asked.max_tokens < words.length;
  const said = length ? words.slice(0, asked.max_tokens) : words;
  const prompt = asked.messages.reduce((sum, { content }) => sum + (content.match(/\S+/g)?.length ?? 0), 0);
  const usage = { prompt_tokens: prompt, completion_tokens: said.length, total_tokens: prompt + said.length };
  const common = {
    id: `stand-in-${Date.now()}`,
    created: Math.floor(Date.now() / 1_000),
    model: asked.model,
    system_fingerprint: STAND_IN_FINGERPRINT,
  };
  const finish_reason = length ? "length" : "stop";
  if (!asked.stream) {
    const message = { role: "assistant", content: said.join("") };
    const choices = [{ index: 0, message, finish_reason }];
    const counted = how.no_usage ? {} : { usage };
    return void sendJson(response, 200, { ...common, object: "chat.completion", choices, ...counted });
  }
  response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-cache" });
  const send = (more: Record<string, unknown>) =>
    response.write(`data: ${JSON.stringify({ ...common, object: "chat.completion.chunk", ...more })}\n\n`);
  for (const [at, word] of said.entries()) {
    if (how.token_delay > 0) await delay(how.token_delay);
    if (response.destroyed) return;
    if (how.drop && at >= said.length / 2) return void response.destroy();
    send({ choices: [{ index: 0, delta: { content: word }, finish_reason: null }] });
  }
  send({ choices: [{ index: 0, delta: {}, finish_reason }] });
  if (!how.no_usage) send({ choices: [], usage });
  response.end("data: [DONE]\n\n");
}

function contentFor({ messages, response_format }: ChatRequest, how: StandInBehaviour): string {
  const system = messages.find(({ role }) => role === "system")?.content ?? "";
  const user = messages.filter(({ role }) => role !== "system").map(({ content }) => content);
  const prompt = { system, user: user.join("\n\n") };
  const schema = response_format?.json_schema?.schema;
  if (schema === undefined || how.invalid_json) return textAnswer(prompt);
  return JSON.stringify(jsonAnswer(schema, prompt));
}

async function readJson(incoming: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of incoming as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_BODY_BYTES) return undefined;
    chunks.push(chunk);
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString());
  } catch {
    return undefined;
  }
}

function sendJson(response: ServerResponse, status: number, value: unknown): void {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(value));
}

function sendError(response: ServerResponse, status: number, message: string): void {
  sendJson(response, status, { error: { message, type: "stand_in" } });
}
