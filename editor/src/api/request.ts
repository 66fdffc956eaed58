/** One request to the gateway: JSON out, JSON in, problem+json as a typed error. */

/** One thing that is wrong with a flow or with inputs, as the validator says it. */
export interface Issue {
  readonly code: string;
  readonly message: string;
  readonly node_id?: string;
  readonly edge_id?: string;
  readonly path?: string;
}

/** Codes of this client's own, beside those that the gateway sends. */
export const clientCodes = { unreachable: "Unreachable", badAnswer: "BadAnswer" } as const;

/** What the gateway refused, or that it could not be asked. Match on `code`. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  readonly code: string;
  /** 0 when no answer came. */
  readonly status: number;
  readonly issues: readonly Issue[];

  constructor(
    code: string,
    message: string,
    more: { readonly status?: number; readonly issues?: readonly Issue[]; readonly cause?: unknown } = {},
  ) {
    super(message, more.cause === undefined ? {} : { cause: more.cause });
    this.code = code;
    this.status = more.status ?? 0;
    this.issues = more.issues ?? [];
  }
}

export interface ApiOptions {
  /** Where the gateway is. Default: the page's own origin. */
  readonly baseUrl?: string;
  /** The bearer token, read anew for each request. */
  readonly token?: () => string | undefined;
  /** Default: the browser's. */
  readonly fetch?: typeof fetch;
}

export interface RequestOptions {
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as JSON. */
  readonly body?: unknown;
  readonly signal?: AbortSignal | undefined;
}

/**
 * The answer as it comes, when its status says that all is well.
 * @throws ApiError, or the signal's reason
 */
export async function send(
  options: ApiOptions,
  method: string,
  path: string,
  request: RequestOptions = {},
): Promise<Response> {
  const { query, headers, body, signal } = request;
  const token = options.token?.();
  const url = `${options.baseUrl ?? ""}${path}${queryOf(query)}`;
  let response: Response;
  try {
    response = await (options.fetch ?? fetch)(url, {
      method,
      headers: {
        accept: "application/json, application/problem+json",
        ...(body === undefined ? {} : { "content-type": "application/json" }),
        ...(token ? { authorization: `Bearer ${token}` } : {}),
        ...headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      ...(signal ? { signal } : {}),
    });
  } catch (cause) {
    signal?.throwIfAborted();
    throw new ApiError(clientCodes.unreachable, "the RayFlow server does not answer", { cause });
  }
  if (!response.ok) throw await problemOf(response);
  return response;
}

/** The answer's JSON; undefined when it has no body. @throws ApiError, or the signal's reason */
export async function sendJson<T>(
  options: ApiOptions,
  method: string,
  path: string,
  request: RequestOptions = {},
): Promise<T> {
  const response = await send(options, method, path, request);
  return (await jsonOf(response)) as T;
}

async function jsonOf(response: Response): Promise<unknown> {
  const text = await response.text();
  if (text === "") return undefined;
  try {
    return JSON.parse(text);
  } catch (cause) {
    const what = response.headers.get("content-type") ?? "something unnamed";
    throw new ApiError(clientCodes.badAnswer, `the server answered with ${what}, not with JSON`, {
      status: response.status,
      cause,
    });
  }
}

/** Reads problem+json; an answer in another form still makes an error that says its status. */
async function problemOf(response: Response): Promise<ApiError> {
  const { status } = response;
  const body = await jsonOf(response).catch(() => undefined);
  const { code, title, detail, errors } = (typeof body === "object" && body !== null ? body : {}) as {
    code?: unknown;
    title?: unknown;
    detail?: unknown;
    errors?: unknown;
  };
  const said = [detail, title].find((text): text is string => typeof text === "string" && text !== "");
  return new ApiError(
    typeof code === "string" ? code : `Http${status}`,
    said ?? `the server answered ${status} ${response.statusText}`.trim(),
    { status, issues: Array.isArray(errors) ? errors.filter(isIssue) : [] },
  );
}

function isIssue(value: unknown): value is Issue {
  return typeof value === "object" && value !== null && typeof (value as Issue).message === "string";
}

function queryOf(query: RequestOptions["query"] = {}): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) if (value !== undefined) search.set(name, String(value));
  const text = search.toString();
  return text === "" ? "" : `?${text}`;
}
