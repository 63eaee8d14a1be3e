// Requests to the server: token, errors, paging, long-running operations.

import { Failure, failureFrom } from "./failure";
import type { Operation } from "./operations";
import { operationUrl, type QueryValues } from "./paths";

export interface Call {
  readonly query?: QueryValues;
  readonly body?: unknown;
  /** More headers: `If-Match` and the like. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly signal?: AbortSignal | undefined;
}

interface Page<T> {
  readonly value?: readonly T[];
  readonly nextLink?: string | null;
}

/** How a long-running operation ended, and what it said. */
export interface Progress {
  readonly status: string;
}

type Fetch = typeof fetch;
type Wait = (milliseconds: number, signal?: AbortSignal) => Promise<void>;

/** Speaks ARM for one signed-in person. */
export class ArmClient {
  constructor(
    private readonly origin: string,
    private readonly token: () => string | null,
    /** Called once when the server no longer accepts the token. */
    private readonly onUnauthorised: () => void,
    private readonly http: Fetch = (input, init) => fetch(input, init),
    private readonly wait: Wait = sleep,
  ) {}

  /** One request; the answer is a success or this throws [`Failure`] (or the signal's abort). */
  async send(method: string, url: string, init: Omit<Call, "query"> = {}): Promise<Response> {
    const target = new URL(url, this.origin);
    // The token goes to the server that gave it and nowhere else, whatever a nextLink says.
    if (target.origin !== this.origin) throw new Failure(0, "ForeignUrl", `The server pointed to another origin: ${target.origin}`);
    const headers = new Headers({ ...init.headers, Accept: "application/json" });
    const token = this.token();
    if (token !== null) headers.set("Authorization", `Bearer ${token}`);
    const request: RequestInit = { method, headers, credentials: "omit", cache: "no-store" };
    if (init.body !== undefined) {
      headers.set("Content-Type", "application/json");
      request.body = JSON.stringify(init.body);
    }
    if (init.signal) request.signal = init.signal;
    let response: Response;
    try {
      response = await this.http(target.href, request);
    } catch (cause) {
      if (init.signal?.aborted) throw cause;
      throw new Failure(0, "Unreachable", "No answer came. Check the network and whether the server is running.");
    }
    if (response.ok) return response;
    const failure = failureFrom(response.status, await response.text(), response.headers.get("x-ms-correlation-request-id"));
    if (response.status === 401) this.onUnauthorised();
    throw failure;
  }

  /** The document that `operation` gives at `at`. */
  async json<T>(operation: Operation, at: string, call: Call = {}): Promise<T> {
    const response = await this.response(operation, at, call);
    return (await response.json()) as T;
  }

  /** The raw answer of `operation` at `at`. */
  response(operation: Operation, at: string, call: Call = {}): Promise<Response> {
    return this.send(operation.method, operationUrl(operation, at, call.query), { body: call.body, headers: call.headers, signal: call.signal });
  }

  /** Every item of a list, over all its pages (at most `limit` items). */
  async list<T>(operation: Operation, at: string, call: Call = {}, limit = 10_000): Promise<T[]> {
    const items: T[] = [];
    const seen = new Set<string>();
    let url: string | null = operationUrl(operation, at, call.query);
    while (url !== null && !seen.has(url)) {
      seen.add(url);
      const response = await this.send("GET", url, { signal: call.signal });
      const page = (await response.json()) as Page<T>;
      items.push(...(page.value ?? []));
      if (items.length >= limit) return items.slice(0, limit);
      url = page.nextLink ? page.nextLink : null;
    }
    return items;
  }

  /** Starts `operation` and waits for its end, as the answer's headers say. Throws [`Failure`] when it fails. */
  async run(operation: Operation, at: string, call: Call & { onProgress?: (progress: Progress) => void } = {}): Promise<void> {
    let response = await this.response(operation, at, call);
    const operationUrl = response.headers.get("Azure-AsyncOperation");
    const location = response.headers.get("Location");
    if (response.status !== 202 && operationUrl === null) return;
    const url = operationUrl ?? location;
    if (url === null) return;
    for (;;) {
      await this.wait(retryAfter(response), call.signal);
      response = await this.send("GET", url, { signal: call.signal });
      if (operationUrl === null) {
        if (response.status !== 202) return;
        call.onProgress?.({ status: "InProgress" });
        continue;
      }
      const state = (await response.json()) as { status?: string; error?: { code?: string; message?: string } };
      const status = state.status ?? "InProgress";
      call.onProgress?.({ status });
      switch (status.toLowerCase()) {
        case "succeeded":
          return;
        case "failed":
        case "canceled":
          throw new Failure(
            409,
            state.error?.code ?? `Operation${status}`,
            state.error?.message ?? `The operation ended as ${status}.`,
            response.headers.get("x-ms-correlation-request-id"),
          );
      }
    }
  }
}

/** Milliseconds that the server asks to wait before the next poll: 1 s when it does not say, 30 s at most. */
function retryAfter(response: Response): number {
  const seconds = Number(response.headers.get("Retry-After") ?? "1");
  return Math.min(Math.max(Number.isFinite(seconds) ? seconds : 1, 0.2), 30) * 1000;
}

/** Resolves after `milliseconds`; rejects when the signal aborts. */
export function sleep(milliseconds: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason as Error);
    const timer = setTimeout(done, milliseconds);
    const abort = (): void => {
      clearTimeout(timer);
      reject(signal?.reason as Error);
    };
    signal?.addEventListener("abort", abort, { once: true });
    function done(): void {
      signal?.removeEventListener("abort", abort);
      resolve();
    }
  });
}
