import { describe, expect, test, vi } from "vitest";
import { encode } from "../api/console";
import { Failure } from "../api/failure";
import { ConsoleConnection, type Surroundings } from "./connection";
import { inspect } from "./paste";
import type { ConsoleEvent } from "./state";

class FakeSocket {
  static readonly made: FakeSocket[] = [];
  readyState = 0;
  binaryType = "blob";
  sent: (string | Uint8Array)[] = [];
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: string | ArrayBuffer }) => void) | null = null;
  onclose: ((event: { code: number; reason: string }) => void) | null = null;
  constructor(readonly url: string, readonly protocol: string) {
    FakeSocket.made.push(this);
  }
  send(data: string | Uint8Array): void {
    this.sent.push(data);
  }
  close(): void {
    this.readyState = 3;
  }
  open(): void {
    this.readyState = 1;
    this.onopen?.();
  }
  say(message: object): void {
    this.onmessage?.({ data: JSON.stringify(message) });
  }
  show(): void {
    const snapshot = new DataView(new ArrayBuffer(13));
    snapshot.setUint8(0, 2);
    snapshot.setUint16(9, 80);
    snapshot.setUint16(11, 24);
    this.onmessage?.({ data: snapshot.buffer });
  }
  end(code: number, reason = ""): void {
    this.readyState = 3;
    this.onclose?.({ code, reason });
  }
}
vi.stubGlobal("WebSocket", { OPEN: 1 });

const WELCOME = { kind: "welcome", role: "writer", vm: "demo", port: 0, epoch: 1, holder: null };

/** A connection whose POST succeeds, unless `connect` is given. */
function setUp(connect: Surroundings["connect"] = () => Promise.resolve("wss://h/console/sessions/1/client")) {
  vi.useFakeTimers();
  FakeSocket.made.length = 0;
  const events: ConsoleEvent[] = [];
  const onUnauthorised = vi.fn();
  const connection = new ConsoleConnection({
    connect,
    token: () => "TOKEN",
    onUnauthorised,
    emit: (event) => events.push(event),
    onMessage: () => undefined,
    now: () => 0,
    random: () => 1,
    socket: (url, protocol) => new FakeSocket(url, protocol) as unknown as WebSocket,
  });
  return { connection, events, onUnauthorised, sockets: FakeSocket.made };
}
const settle = (): Promise<unknown> => vi.advanceTimersByTimeAsync(0);

describe("ConsoleConnection", () => {
  test("the token is the first message, never in the URL", async () => {
    const { connection, sockets } = setUp();
    connection.start();
    await settle();
    sockets[0]?.open();
    expect(sockets[0]).toMatchObject({ protocol: "hardline.console.v1", sent: [encode({ kind: "auth", token: "TOKEN" })] });
    expect(sockets[0]?.url).not.toContain("TOKEN");
    connection.stop();
  });

  test("input goes out only as a writer, cut into frames", async () => {
    const { connection, sockets } = setUp();
    connection.start();
    await settle();
    const socket = sockets[0];
    socket?.open();
    expect(connection.input(new Uint8Array([1]))).toBe(false);
    socket?.say(WELCOME);
    expect(connection.input(new Uint8Array(5000))).toBe(true);
    expect(socket?.sent.slice(1).map((m) => m.length)).toEqual([4097, 905]);
    socket?.say({ kind: "taken", by: "bob", address: "10.0.0.9" });
    expect(connection.input(new Uint8Array([1]))).toBe(false);
    connection.stop();
  });

  test("a broken connection is opened again, later each time, and at once after success", async () => {
    const { connection, events, sockets } = setUp();
    connection.start();
    await settle();
    const waits = (): number[] => events.flatMap((e) => (e.type === "lost" ? [e.retryAt] : []));
    for (const wait of [500, 1000, 2000]) {
      sockets.at(-1)?.end(1006);
      expect(waits().at(-1)).toBe(wait);
      await vi.advanceTimersByTimeAsync(wait);
    }
    sockets.at(-1)?.open();
    sockets.at(-1)?.say(WELCOME);
    sockets.at(-1)?.end(1006);
    expect(waits().at(-1)).toBe(500);
    connection.retryNow();
    await settle();
    expect(sockets).toHaveLength(5);
    connection.stop();
  });

  test.each([4000, 4001, 4002, 4003, 1011])("close code %i is not retried", async (code) => {
    const { connection, events, sockets } = setUp();
    connection.start();
    await settle();
    sockets[0]?.open();
    sockets[0]?.end(code, "said so");
    await vi.advanceTimersByTimeAsync(60_000);
    expect(sockets).toHaveLength(1);
    expect(events.at(-1)).toEqual({ type: "ended", why: "said so" });
    connection.stop();
  });

  test("a refusal blocks; a server that is away is tried again", async () => {
    const refused = setUp(() => Promise.reject(new Failure(409, "OperationNotAllowed", "no")));
    refused.connection.start();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(refused.events.map((e) => e.type)).toEqual(["connecting", "blocked"]);

    const away = setUp(() => Promise.reject(new Failure(503, "Busy", "later")));
    away.connection.start();
    await vi.advanceTimersByTimeAsync(500);
    expect(away.events.map((e) => e.type)).toEqual(["connecting", "lost", "connecting", "lost"]);
    away.connection.stop();
  });

  test("after a loss the seat is taken again only if nobody sat there since", async () => {
    const modes: string[] = [];
    const { connection, sockets } = setUp((_signal, mode) => {
      modes.push(mode);
      return Promise.resolve("wss://h/client");
    });
    connection.start();
    await settle();
    const again = async (epoch: number): Promise<unknown[]> => {
      sockets.at(-1)?.end(1006);
      await vi.advanceTimersByTimeAsync(1000);
      sockets.at(-1)?.open();
      sockets.at(-1)?.say({ ...WELCOME, role: "viewer", epoch });
      expect(sockets.at(-1)?.sent).toHaveLength(1);
      sockets.at(-1)?.show();
      return sockets.at(-1)?.sent.slice(1) ?? [];
    };
    sockets[0]?.open();
    sockets[0]?.say({ ...WELCOME, epoch: 7 });
    expect(await again(7)).toEqual(['{"kind":"take"}']);
    sockets.at(-1)?.say({ ...WELCOME, epoch: 8 });
    expect(await again(9)).toEqual([]);
    expect(await again(9)).toEqual([]);
    expect(modes).toEqual(["write", "view", "view", "view"]);
    connection.stop();
  });

  test("the size is told once it has settled, once, and only by the writer", async () => {
    const { connection, sockets } = setUp();
    connection.start();
    await settle();
    const told = (): unknown[] => (sockets[0]?.sent ?? []).filter((m) => typeof m === "string" && m.includes("resize"));
    connection.resize(100, 30);
    sockets[0]?.open();
    sockets[0]?.say({ ...WELCOME, role: "viewer" });
    await vi.advanceTimersByTimeAsync(200);
    expect(told()).toEqual([]);
    sockets[0]?.say(WELCOME);
    expect(told()).toEqual(['{"kind":"resize","cols":100,"rows":30}']);
    // A snapshot says the same size again; a window is dragged.
    connection.resize(100, 30);
    await vi.advanceTimersByTimeAsync(200);
    for (const cols of [101, 102, 103]) connection.resize(cols, 30);
    await vi.advanceTimersByTimeAsync(200);
    expect(told().slice(1)).toEqual(['{"kind":"resize","cols":103,"rows":30}']);
    connection.stop();
  });

  test("a server that stops answering is noticed", async () => {
    const { connection, events, sockets } = setUp();
    connection.start();
    await settle();
    sockets[0]?.open();
    sockets[0]?.say(WELCOME);
    await vi.advanceTimersByTimeAsync(15_000);
    expect(sockets[0]?.sent.at(-1)).toBe('{"kind":"ping"}');
    sockets[0]?.say({ kind: "pong" });
    await vi.advanceTimersByTimeAsync(14_999);
    expect(events.some((e) => e.type === "lost")).toBe(false);
    await vi.advanceTimersByTimeAsync(10_001);
    expect(events.some((e) => e.type === "lost")).toBe(true);
    connection.stop();
  });

  test("garbage from the server changes nothing", async () => {
    const { connection, events, sockets } = setUp();
    connection.start();
    await settle();
    sockets[0]?.open();
    const before = events.length;
    sockets[0]?.onmessage?.({ data: "{" });
    sockets[0]?.onmessage?.({ data: new ArrayBuffer(3) });
    expect(events).toHaveLength(before);
    connection.stop();
  });
});

describe("paste", () => {
  test.each<[string, boolean]>([
    ["uptime", false],
    ["uptime\n", true],
    ["a\r\nb", true],
    ["x".repeat(513), true],
  ])("%j asks: %s", (text, risky) => expect(inspect(text).risky).toBe(risky));
});
