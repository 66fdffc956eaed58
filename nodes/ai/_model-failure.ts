/** One request to a model that came to nothing. The caller decides whether there is another one. */
export class ModelFailure extends Error {
  /** Whether another request may do better. */
  readonly retryable: boolean;
  /** As the endpoint answered; undefined when it did not. */
  readonly status: number | undefined;
  /** How long the endpoint asks to be left alone, ms. */
  readonly retryAfterMs: number | undefined;
  /** Whether this is the endpoint's trouble, not the request's or its caller's. */
  readonly endpointDown: boolean;

  constructor(
    message: string,
    options: {
      retryable: boolean;
      status?: number;
      retryAfterMs?: number | undefined;
      down?: boolean;
      cause?: unknown;
    },
  ) {
    super(message, { cause: options.cause });
    this.name = "ModelFailure";
    this.retryable = options.retryable;
    this.status = options.status;
    this.retryAfterMs = options.retryAfterMs;
    this.endpointDown = options.down ?? false;
  }
}
