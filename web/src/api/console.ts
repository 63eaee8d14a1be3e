// The WebSocket protocol `hardline.console.v1`: encoder and decoder.
//
// Binary message: one byte of kind, then the payload. Text message: JSON with a member "kind".

/** The subprotocol's name in the handshake. */
export const CONSOLE_PROTOCOL = "hardline.console.v1";

const OUTPUT = 0x01;
const SNAPSHOT = 0x02;
const INPUT = 0x01;

export type Role = "writer" | "viewer";

/** What the server sends. */
export type ServerMessage =
  | { readonly kind: "output"; readonly offset: number; readonly bytes: Uint8Array }
  | { readonly kind: "snapshot"; readonly offset: number; readonly cols: number; readonly rows: number; readonly bytes: Uint8Array }
  | { readonly kind: "welcome"; readonly role: Role; readonly vm: string; readonly port: number; readonly epoch: number; readonly holder: string | null }
  | { readonly kind: "gap"; readonly start: number; readonly length: number | null; readonly reason: string }
  | { readonly kind: "taken"; readonly by: string; readonly address: string }
  | { readonly kind: "inputRefused"; readonly reason: string; readonly bytes: number }
  | { readonly kind: "state"; readonly state: string }
  | { readonly kind: "ended"; readonly reason: string }
  | { readonly kind: "pong" }
  /** A kind that this portal does not know; a newer server may send it. */
  | { readonly kind: "unknown" };

/** What the portal sends as text. */
export type ClientMessage =
  | { readonly kind: "auth"; readonly token: string }
  | { readonly kind: "resize"; readonly cols: number; readonly rows: number }
  | { readonly kind: "take" }
  | { readonly kind: "ping" };

/** Why the server closed the socket. */
export const CLOSE = { away: 1001, untrusted: 1011, taken: 4001, stopped: 4002, rightLost: 4003 } as const;

/** Encodes a control message. */
export function encode(message: ClientMessage): string {
  return JSON.stringify(message);
}

/** Encodes bytes for the guest. */
export function encodeInput(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const frame = new Uint8Array(bytes.length + 1);
  frame[0] = INPUT;
  frame.set(bytes, 1);
  return frame;
}

/** Decodes one message; null when it is garbage. Never throws. */
export function decode(data: string | ArrayBuffer): ServerMessage | null {
  return typeof data === "string" ? decodeText(data) : decodeBinary(data);
}

function decodeBinary(buffer: ArrayBuffer): ServerMessage | null {
  const view = new DataView(buffer);
  if (view.byteLength < 9) return null;
  // Offsets are u64; a port that has printed 2^53 bytes (9 PB) does not exist.
  const offset = Number(view.getBigUint64(1));
  if (!Number.isSafeInteger(offset)) return null;
  switch (view.getUint8(0)) {
    case OUTPUT:
      return { kind: "output", offset, bytes: new Uint8Array(buffer, 9) };
    case SNAPSHOT: {
      if (view.byteLength < 13) return null;
      const cols = view.getUint16(9);
      const rows = view.getUint16(11);
      if (cols === 0 || rows === 0) return null;
      return { kind: "snapshot", offset, cols, rows, bytes: new Uint8Array(buffer, 13) };
    }
    default:
      return { kind: "unknown" };
  }
}

function decodeText(data: string): ServerMessage | null {
  let value: unknown;
  try {
    value = JSON.parse(data);
  } catch {
    return null;
  }
  if (typeof value !== "object" || value === null) return null;
  const m = value as Record<string, unknown>;
  switch (m.kind) {
    case "welcome":
      return {
        kind: "welcome",
        role: m.role === "writer" ? "writer" : "viewer",
        vm: text(m.vm),
        port: count(m.port) ?? 0,
        epoch: count(m.epoch) ?? 0,
        holder: typeof m.holder === "string" ? m.holder : null,
      };
    case "gap":
      return { kind: "gap", start: count(m.start) ?? 0, length: count(m.length), reason: text(m.reason) };
    case "taken":
      return { kind: "taken", by: text(m.by), address: text(m.address) };
    case "inputRefused":
      return { kind: "inputRefused", reason: text(m.reason), bytes: count(m.bytes) ?? 0 };
    case "state":
      return { kind: "state", state: text(m.state) };
    case "ended":
      return { kind: "ended", reason: text(m.reason) };
    case "pong":
      return { kind: "pong" };
    default:
      return typeof m.kind === "string" ? { kind: "unknown" } : null;
  }
}

function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}
function count(value: unknown): number | null {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0 ? value : null;
}
