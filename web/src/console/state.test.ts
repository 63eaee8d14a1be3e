import { describe, expect, test } from "vitest";
import { INITIAL, reduce, type ConsoleEvent, type ConsoleState } from "./state";
import type { ServerMessage } from "../api/console";

const after = (...events: ConsoleEvent[]): ConsoleState => events.reduce(reduce, INITIAL);
const message = (m: ServerMessage): ConsoleEvent => ({ type: "message", message: m });
const welcome = message({ kind: "welcome", role: "writer", vm: "demo", port: 0, epoch: 1, holder: null });
const snapshot = (offset: number): ConsoleEvent => message({ kind: "snapshot", offset, cols: 80, rows: 24, bytes: new Uint8Array() });
const output = (offset: number, n: number): ConsoleEvent => message({ kind: "output", offset, bytes: new Uint8Array(n) });

describe("console state", () => {
  test("a welcome opens, with the role that the server gave", () => {
    expect(after({ type: "connecting" }, welcome).phase).toEqual({ is: "open", role: "writer", holder: null });
  });

  test("a take-over names who, and the close after it changes nothing", () => {
    const state = after(welcome, message({ kind: "taken", by: "bob", address: "10.0.0.9" }), { type: "ended", why: "closed" });
    expect(state.phase).toEqual({ is: "taken", by: "bob", address: "10.0.0.9" });
  });

  test("a fresh screen misses nothing, only a gap does", () => {
    const state = after(welcome, snapshot(100), output(100, 50), { type: "lost", attempt: 1, retryAt: 0, why: "" }, { type: "connecting" }, welcome, snapshot(170));
    expect(state).toMatchObject({ missedBytes: 0, gaps: 0 });
    const gap = message({ kind: "gap", start: 170, length: 90, reason: "viewerSlow" });
    expect([gap, snapshot(260)].reduce(reduce, state)).toMatchObject({ missedBytes: 90, gaps: 1, lastGapReason: "viewerSlow" });
  });

  test("a gap of unknown length is said to be so", () => {
    expect(after(message({ kind: "gap", start: 0, length: null, reason: "spoolLost" }))).toMatchObject({ missedUnknown: true, gaps: 1 });
  });

  test("refused input adds up by reason, and is forgotten when typing works again", () => {
    const refuse = (reason: string, bytes: number): ConsoleEvent => message({ kind: "inputRefused", reason, bytes });
    expect(after(refuse("guestNotReading", 2), refuse("guestNotReading", 3)).refused).toEqual({ reason: "guestNotReading", bytes: 5 });
    expect(after(refuse("guestNotReading", 2), refuse("notRunning", 1)).refused).toEqual({ reason: "notRunning", bytes: 1 });
    expect(after(refuse("guestNotReading", 2), { type: "typed" }).refused).toBeNull();
  });
});
