// One person's connection to a serial port: opens it, keeps it open over network losses, and never types on its own.

import { CLOSE, CONSOLE_PROTOCOL, decode, encode, encodeInput, type ClientMessage, type ServerMessage } from "../api/console";
import { explain, Failure } from "../api/failure";
import type { ConsoleEvent } from "./state";

/** A frame of input is at most this long; a paste is sent as several. */
const INPUT_FRAME = 4096;
/** First wait after a lost connection, and the longest, in milliseconds. */
const BACKOFF = { first: 500, most: 15_000 } as const;
/** A window being dragged is resized once, this long after it stopped, in milliseconds. */
const SETTLE = 150;
/** A server that says nothing for this long after a ping is gone. */
const PING = { every: 15_000, patience: 10_000 } as const;

/** To type, taking the seat from whoever has it; or only to watch. */
export type Mode = "write" | "view";

export interface Surroundings {
  /** POST …/connect: gives the socket's URL or throws [`Failure`]. */
  readonly connect: (signal: AbortSignal, mode: Mode) => Promise<string>;
  readonly token: () => string | null;
  /** The server no longer accepts the token. */
  readonly onUnauthorised: () => void;
  readonly emit: (event: ConsoleEvent) => void;
  /** Every message in order, for the terminal. */
  readonly onMessage: (message: ServerMessage) => void;
  readonly now: () => number;
  /** Between 0 and 1: spreads reconnections of many browsers. */
  readonly random: () => number;
  readonly socket: (url: string, protocol: string) => WebSocket;
}

/** Opens with `start`; `stop` ends it for good. */
export class ConsoleConnection {
  private ws: WebSocket | null = null;
  private abort: AbortController | null = null;
  private attempt = 0;
  private retry: ReturnType<typeof setTimeout> | undefined;
  private heartbeat: ReturnType<typeof setInterval> | undefined;
  private patience: ReturnType<typeof setTimeout> | undefined;
  private writer = false;
  private mode: Mode = "write";
  /** The terminal's size, and what the server was asked for: it answers each request with a fresh screen. */
  private size: { readonly cols: number; readonly rows: number } | null = null;
  private asked = "";
  private settling: ReturnType<typeof setTimeout> | undefined;
  /** Epoch of the seat that this connection has, or had when the network broke. */
  private seat: number | null = null;
  /** The seat is to be taken again with the next screen. */
  private retake = false;
  private stopped = true;

  constructor(private readonly around: Surroundings) {}

  /** Connects. */
  start(mode: Mode = "write"): void {
    this.stop();
    this.stopped = false;
    this.mode = mode;
    this.seat = null;
    this.attempt = 0;
    void this.open();
  }

  /** Tries now instead of at the end of the wait. */
  retryNow(): void {
    if (this.stopped || this.retry === undefined) return;
    clearTimeout(this.retry);
    this.retry = undefined;
    void this.open();
  }

  /** Closes and stays closed. */
  stop(): void {
    this.stopped = true;
    this.abort?.abort();
    this.abort = null;
    clearTimeout(this.retry);
    this.retry = undefined;
    this.drop();
  }

  /** Drops the socket and opens a new one: the terminal cannot keep up and wants a fresh screen. */
  refresh(): void {
    if (this.stopped) return;
    this.drop();
    this.lost("This browser could not keep up with the guest's output.");
  }

  /** Bytes for the guest; false when nobody would read them. */
  input(bytes: Uint8Array): boolean {
    if (this.ws?.readyState !== WebSocket.OPEN || !this.writer) return false;
    this.around.emit({ type: "typed" });
    for (let at = 0; at < bytes.length; at += INPUT_FRAME) {
      this.ws.send(encodeInput(bytes.subarray(at, at + INPUT_FRAME)));
    }
    return true;
  }

  /** The terminal has this size. Told when it has settled, once, and only by whoever types: all see the same screen. */
  resize(cols: number, rows: number): void {
    this.size = { cols, rows };
    clearTimeout(this.settling);
    this.settling = setTimeout(() => this.tellSize(), SETTLE);
  }

  private tellSize(): void {
    if (!this.writer || this.size === null) return;
    const asked = `${this.size.cols} ${this.size.rows}`;
    if (asked === this.asked) return;
    this.asked = asked;
    this.tell({ kind: "resize", ...this.size });
  }

  /** A control message, when the socket is open. */
  tell(message: ClientMessage): void {
    if (this.ws?.readyState === WebSocket.OPEN) this.ws.send(encode(message));
  }

  private async open(): Promise<void> {
    this.around.emit({ type: "connecting" });
    this.abort = new AbortController();
    const { signal } = this.abort;
    try {
      // Back after a loss: whoever took the seat meanwhile keeps it.
      const url = await this.around.connect(signal, this.seat === null ? this.mode : "view");
      if (signal.aborted) return;
      this.listen(url);
    } catch (error) {
      if (signal.aborted) return;
      // Trying again helps against a network or a server that is away, not against a refusal.
      if (error instanceof Failure && (error.status === 0 || error.status >= 500 || error.status === 429)) {
        this.lost(error.message);
      } else {
        this.stopped = true;
        this.seat = null;
        this.around.emit({ type: "blocked", explanation: explain(error) });
      }
    }
  }

  private listen(url: string): void {
    const ws = this.around.socket(url, CONSOLE_PROTOCOL);
    ws.binaryType = "arraybuffer";
    this.ws = ws;
    ws.onopen = () => {
      const token = this.around.token();
      if (token === null) return this.around.onUnauthorised();
      ws.send(encode({ kind: "auth", token }));
      this.heartbeat = setInterval(() => this.ping(), PING.every);
    };
    ws.onmessage = (event: MessageEvent<string | ArrayBuffer>) => {
      clearTimeout(this.patience);
      this.patience = undefined;
      const message = decode(event.data);
      if (message === null) return;
      if (message.kind === "welcome") this.welcome(message.role === "writer", message.epoch);
      if (message.kind === "snapshot" && this.retake) {
        this.retake = false;
        this.tell({ kind: "take" });
      }
      if (message.kind === "taken" || message.kind === "ended") this.writer = false;
      this.around.emit({ type: "message", message });
      this.around.onMessage(message);
    };
    ws.onclose = (event) => {
      if (this.ws !== ws) return;
      this.drop();
      this.closed(event.code, event.reason);
    };
  }

  private welcome(writer: boolean, epoch: number): void {
    this.attempt = 0;
    this.writer = writer;
    // An epoch that has not moved: nobody sat there since. Taken once the screen is here, so that output goes on from it.
    this.retake = !writer && this.seat === epoch;
    if (!writer && this.seat !== null) this.mode = "view";
    this.seat = writer ? epoch : null;
    this.asked = "";
    this.tellSize();
  }

  private closed(code: number, reason: string): void {
    switch (code) {
      case CLOSE.taken:
      case 4000:
        return this.finish(reason || "The server ended the session.");
      case CLOSE.stopped:
        return this.finish(reason || "The machine has stopped.");
      case CLOSE.rightLost:
      case CLOSE.untrusted:
        if (this.around.token() === null) this.around.onUnauthorised();
        return this.finish(reason || "The server no longer accepts this session.");
      default:
        if (code > 4000 && code < 5000) return this.finish(reason || `The server ended the session (${code}).`);
        return this.lost(code === CLOSE.away ? "The server is restarting." : "The connection broke.");
    }
  }

  private finish(why: string): void {
    this.stopped = true;
    this.around.emit({ type: "ended", why });
  }

  private lost(why: string): void {
    if (this.stopped) return;
    this.attempt += 1;
    const most = Math.min(BACKOFF.first * 2 ** (this.attempt - 1), BACKOFF.most);
    const wait = most * (0.5 + this.around.random() / 2);
    this.around.emit({ type: "lost", attempt: this.attempt, retryAt: this.around.now() + wait, why });
    this.retry = setTimeout(() => {
      this.retry = undefined;
      void this.open();
    }, wait);
  }

  private ping(): void {
    if (this.patience !== undefined) return;
    this.tell({ kind: "ping" });
    this.patience = setTimeout(() => {
      this.drop();
      this.lost("The server has not answered for a while.");
    }, PING.patience);
  }

  private drop(): void {
    clearInterval(this.heartbeat);
    clearTimeout(this.settling);
    clearTimeout(this.patience);
    this.patience = undefined;
    this.writer = false;
    this.retake = false;
    const ws = this.ws;
    this.ws = null;
    if (ws === null) return;
    ws.onopen = ws.onmessage = ws.onclose = null;
    if (ws.readyState <= WebSocket.OPEN) ws.close(1000);
  }
}
