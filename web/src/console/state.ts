// What the console shows about its connection. A pure reducer: the connection feeds it, the page draws it.
//
//   idle --> checking --> connecting --> open --> taken
//                ^             |    ^      |  \-> ended
//                |             |    |      v
//                |             |    +--- lost (network; tries again by itself)
//             blocked <--------+
//
// `blocked`, `taken` and `ended` wait for the person.

import type { Role, ServerMessage } from "../api/console";
import type { Explanation } from "../api/failure";

export type Phase =
  | { readonly is: "idle" }
  | { readonly is: "connecting" }
  | { readonly is: "open"; readonly role: Role; readonly holder: string | null }
  | { readonly is: "lost"; readonly attempt: number; readonly retryAt: number; readonly why: string }
  | { readonly is: "taken"; readonly by: string; readonly address: string }
  | { readonly is: "ended"; readonly why: string }
  | { readonly is: "blocked"; readonly explanation: Explanation };

export interface ConsoleState {
  readonly phase: Phase;
  /** The guest's state as the console's own line says it; null before the first word of it. */
  readonly guest: string | null;
  /** Bytes that the server said are missing here, and how often. */
  readonly missedBytes: number;
  readonly gaps: number;
  /** A gap of unknown length is among them. */
  readonly missedUnknown: boolean;
  readonly lastGapReason: string | null;
  /** Input that did not reach the guest, since the last time it did. */
  readonly refused: { readonly reason: string; readonly bytes: number } | null;
}

export const INITIAL: ConsoleState = {
  phase: { is: "idle" },
  guest: null,
  missedBytes: 0,
  gaps: 0,
  missedUnknown: false,
  lastGapReason: null,
  refused: null,
};

export type ConsoleEvent =
  | { readonly type: "connecting" }
  | { readonly type: "message"; readonly message: ServerMessage }
  | { readonly type: "lost"; readonly attempt: number; readonly retryAt: number; readonly why: string }
  | { readonly type: "blocked"; readonly explanation: Explanation }
  | { readonly type: "ended"; readonly why: string }
  | { readonly type: "typed" };

/** The state after `event`. */
export function reduce(state: ConsoleState, event: ConsoleEvent): ConsoleState {
  switch (event.type) {
    case "connecting":
      return { ...state, phase: { is: "connecting" }, refused: null };
    case "lost":
      return { ...state, phase: { is: "lost", attempt: event.attempt, retryAt: event.retryAt, why: event.why } };
    case "blocked":
      return { ...state, phase: { is: "blocked", explanation: event.explanation } };
    case "ended":
      return isFinal(state.phase) ? state : { ...state, phase: { is: "ended", why: event.why } };
    case "typed":
      return state.refused === null ? state : { ...state, refused: null };
    case "message":
      return onMessage(state, event.message);
  }
}

function isFinal(phase: Phase): boolean {
  return phase.is === "taken" || phase.is === "ended";
}

function onMessage(state: ConsoleState, message: ServerMessage): ConsoleState {
  switch (message.kind) {
    case "welcome":
      return { ...state, phase: { is: "open", role: message.role, holder: message.holder } };
    case "gap": {
      const length = message.length ?? 0;
      return {
        ...state,
        gaps: state.gaps + 1,
        missedBytes: state.missedBytes + length,
        missedUnknown: state.missedUnknown || message.length === null,
        lastGapReason: message.reason,
      };
    }
    case "taken":
      return { ...state, phase: { is: "taken", by: message.by, address: message.address } };
    case "inputRefused": {
      const before = state.refused?.reason === message.reason ? state.refused.bytes : 0;
      return { ...state, refused: { reason: message.reason, bytes: before + message.bytes } };
    }
    case "state":
      return { ...state, guest: message.state };
    case "ended":
      return { ...state, phase: { is: "ended", why: message.reason } };
    // Output and snapshots are the terminal's. A snapshot further on than what was shown misses nothing by itself: it
    // brings the screen and what scrolled off it.
    case "output":
    case "snapshot":
    case "pong":
    case "unknown":
      return state;
  }
}

const REFUSALS: Readonly<Record<string, string>> = {
  staleEpoch: "somebody else has the seat",
  guestNotReading: "the guest is not reading",
  notRunning: "the machine is not running",
  notWriter: "you are only watching",
};

/** Why input was refused, in words. */
export function refusalText(reason: string): string {
  return REFUSALS[reason] ?? reason;
}

const GAPS: Readonly<Record<string, string>> = {
  viewerSlow: "this browser could not keep up; the log has them",
  spoolFull: "the host's disk was full",
  rateLimit: "the port printed more than its budget",
  detached: "nobody was reading the port",
  expired: "no longer kept",
  spoolLost: "the host lost its file",
  captureOff: "boot diagnostics were off",
};

/** Why bytes are missing, in words. */
export function gapText(reason: string): string {
  return GAPS[reason] ?? reason;
}
