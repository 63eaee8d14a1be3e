import { describe, expect, test } from "vitest";
import { decode, encode, encodeInput, type ServerMessage } from "./console";

function frame(...parts: (number | Uint8Array)[]): ArrayBuffer {
  const bytes = parts.flatMap((p) => (typeof p === "number" ? [p] : [...p]));
  return new Uint8Array(bytes).buffer;
}
function u64(n: bigint): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, n);
  return bytes;
}
const ascii = (s: string): Uint8Array => new TextEncoder().encode(s);

describe("binary messages", () => {
  test("output carries its offset and every byte as it is", () => {
    const payload = new Uint8Array([0, 0xff, 0x1b, 0x80]);
    expect(decode(frame(1, u64(4_294_967_296n), payload))).toEqual({ kind: "output", offset: 4_294_967_296, bytes: payload });
  });

  test("a snapshot carries offset, size and bytes", () => {
    expect(decode(frame(2, u64(7n), 0, 80, 0, 24, ascii("login: ")))).toEqual({
      kind: "snapshot", offset: 7, cols: 80, rows: 24, bytes: ascii("login: "),
    });
  });

  test.each([
    ["empty", frame()],
    ["output cut in its offset", frame(1, 0, 0, 0)],
    ["snapshot cut in its size", frame(2, u64(0n), 0, 80)],
    ["snapshot of no size", frame(2, u64(0n), 0, 0, 0, 24)],
    ["an offset beyond 2^53", frame(1, u64(2n ** 60n))],
  ])("garbage is null: %s", (_name, data) => {
    expect(decode(data)).toBeNull();
  });

  test("an unknown kind is passed over", () => {
    expect(decode(frame(9, u64(0n)))).toEqual({ kind: "unknown" });
  });

  test("input is one kind byte and the bytes", () => {
    expect([...encodeInput(ascii("é\r"))]).toEqual([1, 0xc3, 0xa9, 0x0d]);
  });
});

describe("text messages", () => {
  const cases: [string, ServerMessage][] = [
    ['{"kind":"welcome","role":"writer","vm":"demo","port":0,"epoch":3,"holder":null}',
      { kind: "welcome", role: "writer", vm: "demo", port: 0, epoch: 3, holder: null }],
    ['{"kind":"welcome","role":"viewer","vm":"demo","port":0,"epoch":3,"holder":"ada@example.org"}',
      { kind: "welcome", role: "viewer", vm: "demo", port: 0, epoch: 3, holder: "ada@example.org" }],
    ['{"kind":"gap","start":10,"length":null,"reason":"spoolLost"}', { kind: "gap", start: 10, length: null, reason: "spoolLost" }],
    ['{"kind":"gap","start":10,"length":5,"reason":"viewerSlow"}', { kind: "gap", start: 10, length: 5, reason: "viewerSlow" }],
    ['{"kind":"taken","by":"bob","address":"10.0.0.9"}', { kind: "taken", by: "bob", address: "10.0.0.9" }],
    ['{"kind":"inputRefused","reason":"guestNotReading","bytes":2}', { kind: "inputRefused", reason: "guestNotReading", bytes: 2 }],
    ['{"kind":"state","state":"stopped"}', { kind: "state", state: "stopped" }],
    ['{"kind":"ended","reason":"removed"}', { kind: "ended", reason: "removed" }],
    ['{"kind":"pong"}', { kind: "pong" }],
    ['{"kind":"fromTheFuture"}', { kind: "unknown" }],
  ];
  test.each(cases)("%s", (data, expected) => expect(decode(data)).toEqual(expected));

  test.each(["", "null", "[]", "{", "7", '{"role":"writer"}'])("garbage is null: %s", (data) => expect(decode(data)).toBeNull());

  test("a role that is not writer may not type", () => {
    expect(decode('{"kind":"welcome","role":"admin"}')).toMatchObject({ role: "viewer" });
  });

  test("control messages", () => {
    expect(encode({ kind: "resize", cols: 80, rows: 24 })).toBe('{"kind":"resize","cols":80,"rows":24}');
    expect(encode({ kind: "auth", token: "t" })).toBe('{"kind":"auth","token":"t"}');
  });
});
