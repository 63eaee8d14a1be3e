// Reads a serial log as it is written, over network losses.

import { useCallback, useEffect, useState } from "react";
import type { ArmClient } from "../api/client";
import { sleep } from "../api/client";
import { Failure } from "../api/failure";
import { operations } from "../api/operations";
import { resourcePath, type QueryValues } from "../api/paths";
import { append, EMPTY_LOG, GAP_LINE, LineReader, type LogState } from "./lines";

/** Lines kept on the page; the log itself keeps far more. */
const MOST_LINES = 20_000;
/** What is read of the past with "the latest". */
export const TAIL = 65_536;
/** New lines are drawn at most this often, milliseconds. */
const DRAW = 100;

export type LogSource = { readonly from: "tail" } | { readonly from: "offset"; readonly offset: number };

export type LogPhase =
  | { readonly is: "connecting" }
  | { readonly is: "live" }
  | { readonly is: "lost"; readonly why: string }
  | { readonly is: "failed"; readonly error: unknown };

export interface LogStream {
  readonly log: LogState;
  readonly phase: LogPhase;
  /** Offset of the first byte shown. */
  readonly start: number | null;
  readonly restart: () => void;
}

/** The log of `vmId` from `source` on, live. */
export function useLogStream(arm: ArmClient, vmId: string, source: LogSource): LogStream {
  const [log, setLog] = useState<LogState>(EMPTY_LOG);
  const [phase, setPhase] = useState<LogPhase>({ is: "connecting" });
  const [start, setStart] = useState<number | null>(null);
  const [run, setRun] = useState(0);
  const offset = source.from === "offset" ? source.offset : null;

  useEffect(() => {
    const abort = new AbortController();
    setLog(EMPTY_LOG);
    setStart(null);
    void follow(arm, vmId, offset, abort.signal, { setLog, setPhase, setStart });
    return () => abort.abort();
  }, [arm, vmId, offset, run]);

  const restart = useCallback(() => setRun((n) => n + 1), []);
  return { log, phase, start, restart };
}

interface Sinks {
  readonly setLog: (change: (log: LogState) => LogState) => void;
  readonly setPhase: (phase: LogPhase) => void;
  readonly setStart: (offset: number) => void;
}

async function follow(arm: ArmClient, vmId: string, from: number | null, signal: AbortSignal, sinks: Sinks): Promise<void> {
  const at = resourcePath(vmId, operations.SerialLogContent.type, "0");
  const position: Position = { next: from, reader: new LineReader() };
  for (let attempt = 0; !signal.aborted; attempt++) {
    try {
      sinks.setPhase({ is: "connecting" });
      const query: QueryValues = position.next === null ? { tail: TAIL, follow: true } : { offset: position.next, follow: true };
      const response = await arm.response(operations.SerialLogContent, at, { query, signal });
      const offset = Number(response.headers.get("x-hardline-offset") ?? Number.NaN);
      if (position.next === null) {
        if (Number.isSafeInteger(offset)) sinks.setStart(offset);
        // From the tail again: what stood there is read anew.
        position.reader = new LineReader();
        sinks.setLog(() => EMPTY_LOG);
      } else if (attempt === 0) sinks.setStart(position.next);
      position.next = Number.isSafeInteger(offset) ? offset : null;
      sinks.setPhase({ is: "live" });
      attempt = 0;
      await drain(response, position, sinks);
      if (signal.aborted) return;
      sinks.setPhase({ is: "lost", why: "The server ended the stream." });
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof Failure && error.status >= 400 && error.status < 500 && error.status !== 429) {
        sinks.setPhase({ is: "failed", error });
        return;
      }
      sinks.setPhase({ is: "lost", why: error instanceof Failure ? error.message : "The connection broke." });
    }
    try {
      await sleep(Math.min(1000 * 2 ** attempt, 10_000), signal);
    } catch {
      return;
    }
  }
}

interface Position {
  /** Where to go on after a lost connection; null when it is not known: a gap's marker is no bytes of the guest. */
  next: number | null;
  reader: LineReader;
}

async function drain(response: Response, position: Position, sinks: Sinks): Promise<void> {
  const body = response.body?.getReader();
  if (!body) return;
  let pending: string[] = [];
  let bytes = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const draw = (): void => {
    timer = undefined;
    const [done, open, count] = [pending, position.reader.open, bytes];
    pending = [];
    bytes = 0;
    sinks.setLog((log) => append(log, done, open, count, MOST_LINES));
  };
  try {
    for (;;) {
      const { value, done } = await body.read();
      if (done) return;
      const lines = position.reader.push(value);
      for (const line of lines) pending.push(line);
      bytes += value.length;
      if (position.next !== null) position.next = lines.some((line) => GAP_LINE.test(line)) ? null : position.next + value.length;
      timer ??= setTimeout(draw, DRAW);
    }
  } finally {
    clearTimeout(timer);
    draw();
  }
}
