import { makeStyles, mergeClasses, tokens } from "@fluentui/react-components";
import { useMutation } from "@tanstack/react-query";
import { useCallback, useEffect, useMemo, useRef, useState, useSyncExternalStore } from "react";
import { Failure } from "../api/failure";
import { operations, type Operation } from "../api/operations";
import { resourcePath } from "../api/paths";
import { useAccess } from "../app/access";
import { ConsoleConnection } from "../console/connection";
import { FindBar } from "../console/find-bar";
import { Notice, obstacleOf } from "../console/notice";
import { inspect } from "../console/paste";
import { StateLine } from "../console/state-line";
import { ConsoleStore } from "../console/store";
import type { SysRqKey } from "../console/sysrq";
import { ConsoleTerminal, FONT, type TerminalEvents } from "../console/terminal";
import { ConsoleToolbar } from "../console/toolbar";
import { useAsk } from "../parts/confirm";
import { Problem } from "../parts/problem";
import { bytesText } from "../parts/time";
import { KEYBOARD_HELP, question } from "../console/questions";
import { useVmContext } from "./vm-context";

const useStyles = makeStyles({
  page: { display: "flex", flexDirection: "column", flexGrow: 1, minHeight: 0, padding: "4px 12px 0", gap: "4px", background: tokens.colorNeutralBackground3 },
  whole: { position: "fixed", inset: 0, zIndex: 100 },
  frame: {
    flexGrow: 1, minHeight: "160px", padding: "6px 0 2px 8px", background: "#101214", borderRadius: "6px", border: `1px solid ${tokens.colorNeutralStroke1}`, overflow: "hidden",
    ":focus-within": { outline: `2px solid ${tokens.colorBrandStroke1}`, outlineOffset: "-1px" },
  },
  terminal: { height: "100%" },
  said: { fontSize: "12px", color: tokens.colorNeutralForeground2, padding: "0 4px" },
});

const FONT_KEY = "hardline.console.fontSize";
const READER_KEY = "hardline.console.screenReader";
const MONO = "'Cascadia Mono', Consolas, 'SF Mono', Menlo, 'DejaVu Sans Mono', monospace";

function storedFont(): number {
  const size = Number(localStorage.getItem(FONT_KEY));
  return size >= FONT.least && size <= FONT.most ? size : FONT.usual;
}

export default function SerialConsole() {
  const styles = useStyles();
  const context = useVmContext();
  const { vm, id } = context;
  const { arm, sessions } = useAccess();
  const ask = useAsk();
  const [store] = useState(() => new ConsoleStore());
  const state = useSyncExternalStore(store.subscribe, store.current);
  const frame = useRef<HTMLDivElement>(null);
  const firstButton = useRef<HTMLButtonElement>(null);
  const terminal = useRef<ConsoleTerminal | null>(null);
  const connection = useRef<ConsoleConnection | null>(null);
  const [ready, setReady] = useState(false);
  const [size, setSize] = useState("");
  const [fontSize, setFontSize] = useState(storedFont);
  const [screenReader, setScreenReader] = useState(() => localStorage.getItem(READER_KEY) === "on");
  const [finding, setFinding] = useState(false);
  const [maximised, setMaximised] = useState(false);
  const obstacle = obstacleOf(vm);
  const writer = state.phase.is === "open" && state.phase.role === "writer";

  const paste = useCallback(
    async (text: string): Promise<void> => {
      const { bytes, lines, risky } = inspect(text);
      if (risky && !(await ask(question.paste(vm.name, bytesText(bytes), lines, text)))) return;
      terminal.current?.pasteText(text);
    },
    [ask, vm.name],
  );

  // What the terminal calls is looked up at each call: it lives longer than a drawing of this page.
  const events = useRef<TerminalEvents>(null);
  events.current = {
    onInput: (bytes) => connection.current?.input(bytes),
    onPaste: (text) => void paste(text),
    onSize: (cols, rows) => {
      setSize(`${cols} × ${rows}`);
      connection.current?.resize(cols, rows);
    },
    onBacklog: () => connection.current?.refresh(),
    onLeave: () => firstButton.current?.focus(),
    onFind: () => setFinding(true),
    onLink: (url) => void ask(question.link(url)).then((yes) => yes && window.open(url, "_blank", "noopener,noreferrer")),
  };

  useEffect(() => {
    if (frame.current === null) return;
    const made = new ConsoleTerminal(
      frame.current,
      {
        onInput: (bytes) => events.current?.onInput(bytes),
        onPaste: (text) => events.current?.onPaste(text),
        onSize: (cols, rows) => events.current?.onSize(cols, rows),
        onBacklog: () => events.current?.onBacklog(),
        onLeave: () => events.current?.onLeave(),
        onFind: () => events.current?.onFind(),
        onLink: (url) => events.current?.onLink(url),
      },
      { fontSize: storedFont(), fontFamily: MONO, screenReader: localStorage.getItem(READER_KEY) === "on", label: "Serial console. Ctrl+] leaves it." },
    );
    terminal.current = made;
    setSize(`${made.size.cols} × ${made.size.rows}`);
    setReady(true);
    return () => {
      terminal.current = null;
      setReady(false);
      made.dispose();
    };
  }, []);

  useEffect(() => {
    if (!ready) return;
    const port = resourcePath(id, operations.SerialPortConnect.type, "0");
    const made = new ConsoleConnection({
      connect: async (signal, mode) => {
        const query = mode === "view" ? { mode } : {};
        const { connectionString } = await arm.json<{ connectionString: string }>(operations.SerialPortConnect, port, { query, signal });
        // The token goes over this socket: it must be an encrypted one.
        if (!connectionString.startsWith("wss://")) throw new Failure(400, "NotEncrypted", "The server's address for the console is not an encrypted one.");
        return connectionString;
      },
      token: () => sessions.current()?.token ?? null,
      onUnauthorised: () => sessions.end("expired"),
      emit: store.emit,
      onMessage: (message) => terminal.current?.apply(message),
      now: () => Date.now(),
      random: () => Math.random(),
      socket: (url, protocol) => new WebSocket(url, protocol),
    });
    const size = terminal.current?.size;
    if (size !== undefined) made.resize(size.cols, size.rows);
    connection.current = made;
    return () => {
      connection.current = null;
      made.stop();
    };
  }, [ready, id, arm, sessions, store]);

  // Opens when nothing is in the way, and again when a machine that was off runs again.
  useEffect(() => {
    if (ready && obstacle === null) connection.current?.start();
  }, [ready, id, obstacle]);

  useEffect(() => {
    if (terminal.current !== null) terminal.current.writable = writer;
    if (writer) terminal.current?.focus();
    if (!writer) return;
    // Ctrl+W is "delete a word" to whoever types here, and "close" to the browser.
    const hold = (event: BeforeUnloadEvent): void => event.preventDefault();
    window.addEventListener("beforeunload", hold);
    return () => window.removeEventListener("beforeunload", hold);
  }, [writer]);

  const act = useMutation({
    mutationFn: async ({ operation, body }: { operation: Operation; said: string; body?: unknown }) => {
      const port = resourcePath(id, operation.type, "0");
      await arm.run(operation, port, body === undefined ? {} : { body });
    },
  });
  const send = (operation: Operation, said: string, body?: unknown): void => {
    act.mutate({ operation, said, ...(body === undefined ? {} : { body }) });
    terminal.current?.focus();
  };
  const back = (): void => terminal.current?.focus();
  const keys = (text: string): void => {
    connection.current?.input(new TextEncoder().encode(text));
    back();
  };
  const sysRq = async (key: SysRqKey): Promise<void> => {
    if (key.warning !== undefined && !(await ask(question.sysRq(vm.name, key)))) return;
    send(operations.ConsoleSysRq, `SysRq ${key.key}`, { SysRqCommand: key.key });
  };
  const disconnect = (): void => {
    connection.current?.stop();
    store.emit({ type: "ended", why: "You have disconnected. The seat is free; the guest's session is as you left it." });
  };
  const resizeFont = (step: number): void => {
    const next = Math.min(FONT.most, Math.max(FONT.least, fontSize + step));
    setFontSize(next);
    localStorage.setItem(FONT_KEY, String(next));
    if (terminal.current !== null) terminal.current.fontSize = next;
  };
  const maximise = useMaximise(maximised, setMaximised);
  const tellSize = async (): Promise<void> => {
    const now = terminal.current?.size;
    if (now === undefined) return;
    const command = `stty rows ${now.rows} cols ${now.cols}`;
    if (await ask(question.stty(command))) keys(`${command}\r`);
  };
  const connected = useMemo(() => ["open", "connecting", "lost"].includes(state.phase.is), [state.phase.is]);

  return (
    <div className={mergeClasses(styles.page, maximised && styles.whole)}>
      <ConsoleToolbar
        ref={firstButton}
        connected={connected}
        writer={writer}
        running={obstacle === null}
        maximised={maximised}
        screenReader={screenReader}
        onConnect={() => connection.current?.start()}
        onDisconnect={disconnect}
        onKeys={keys}
        onPaste={() => void navigator.clipboard.readText().then(paste, () => ask(question.clipboard))}
        onCopy={() => void navigator.clipboard.writeText(terminal.current?.selection ?? "").then(back)}
        onBreak={() => send(operations.ConsoleBreak, "BREAK")}
        onNmi={() => void ask(question.nmi(vm.name)).then((yes) => yes && send(operations.ConsoleNmi, "NMI"))}
        onReset={() => void ask(question.reset(vm.name)).then((yes) => yes && send(operations.ConsoleReset, "Reset"))}
        onSysRq={(key) => void sysRq(key)}
        onFont={resizeFont}
        onFind={() => setFinding(true)}
        onMaximise={() => void maximise()}
        onScreenReader={(on) => {
          setScreenReader(on);
          localStorage.setItem(READER_KEY, on ? "on" : "off");
          if (terminal.current !== null) terminal.current.screenReader = on;
        }}
        onTellSize={() => void tellSize()}
        onHelp={() => void ask(KEYBOARD_HELP)}
        onBack={(leaveKey) => (leaveKey ? keys("\x1d") : back())}
      />
      <Notice {...context} phase={state.phase} obstacle={obstacle} onConnect={(mode) => connection.current?.start(mode)} onTake={() => connection.current?.tell({ kind: "take" })} />
      {act.isError && <Problem error={act.error} />}
      {act.isSuccess && (
        <span className={styles.said} role="status">
          {act.variables.said} sent.
        </span>
      )}
      {finding && terminal.current !== null && (
        <FindBar
          terminal={terminal.current}
          onClose={() => {
            setFinding(false);
            back();
          }}
        />
      )}
      <div className={styles.frame}>
        <div ref={frame} className={styles.terminal} data-testid="terminal" />
      </div>
      <StateLine state={state} size={size} onRetry={() => connection.current?.retryNow()} />
    </div>
  );
}

/** Fills the window and, where the browser lets it, the screen; there the guest also gets Ctrl+W and its like. */
function useMaximise(on: boolean, set: (on: boolean) => void): () => Promise<void> {
  useEffect(() => {
    const changed = (): void => {
      if (document.fullscreenElement === null) set(false);
    };
    document.addEventListener("fullscreenchange", changed);
    return () => document.removeEventListener("fullscreenchange", changed);
  }, [set]);
  return async () => {
    set(!on);
    const keyboard = (navigator as { keyboard?: { lock?: () => Promise<void>; unlock?: () => void } }).keyboard;
    try {
      if (on) {
        keyboard?.unlock?.();
        if (document.fullscreenElement !== null) await document.exitFullscreen();
      } else {
        await document.documentElement.requestFullscreen();
        await keyboard?.lock?.();
      }
    } catch {
      // Not allowed here: the window is filled all the same.
    }
  };
}
