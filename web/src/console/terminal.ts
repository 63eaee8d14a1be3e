// The terminal on the page: xterm, fed by the console's messages. What the guest prints is drawn by xterm as cells of
// text; nothing of it becomes markup.

import { FitAddon } from "@xterm/addon-fit";
import { SearchAddon } from "@xterm/addon-search";
import { UnicodeGraphemesAddon } from "@xterm/addon-unicode-graphemes";
import { WebLinksAddon } from "@xterm/addon-web-links";
import { WebglAddon } from "@xterm/addon-webgl";
import { Terminal } from "@xterm/xterm";
import "@xterm/xterm/css/xterm.css";
import type { ServerMessage } from "../api/console";

/** Output that xterm has not drawn yet, beyond which a fresh screen is better than catching up, in bytes. */
const BACKLOG = 8 << 20;
const SCROLLBACK = 10_000;

export const FONT = { least: 9, most: 28, usual: 15 } as const;

/** What a terminal answers by itself: device attributes, cursor position, modes, colours. */
const REPLY = /^\x1b(\[[?>=]?[\d;$]*[cnRty]|[P\]])/;

export interface TerminalEvents {
  /** Bytes for the guest. */
  readonly onInput: (bytes: Uint8Array) => void;
  /** Text that somebody wants to paste. */
  readonly onPaste: (text: string) => void;
  /** The terminal has this size now; said again after each snapshot. */
  readonly onSize: (cols: number, rows: number) => void;
  /** The guest prints faster than this browser draws. */
  readonly onBacklog: () => void;
  /** The person wants to leave the terminal with the keyboard. */
  readonly onLeave: () => void;
  readonly onFind: () => void;
  /** The person clicked a link that the guest printed. */
  readonly onLink: (url: string) => void;
}

export interface Found {
  readonly index: number;
  readonly count: number;
}

/** True for the key that leaves the terminal: Ctrl+] as in `az serial-console`, or Ctrl+F6. */
export function isLeaveKey(event: Pick<KeyboardEvent, "ctrlKey" | "altKey" | "metaKey" | "shiftKey" | "key" | "code">): boolean {
  if (!event.ctrlKey || event.metaKey || event.shiftKey) return false;
  if (event.key === "F6") return true;
  // With AltGr the browser reports Ctrl+Alt: on many keyboards ] is typed so, and is then no command.
  return !event.altKey && (event.key === "]" || event.key === "\x1d");
}

export class ConsoleTerminal {
  private readonly term: Terminal;
  private readonly fitter = new FitAddon();
  private readonly searcher = new SearchAddon();
  private readonly watch: ResizeObserver;
  private readonly encoder = new TextEncoder();
  private backlog = 0;
  /** While a snapshot is replayed, questions in it were answered long ago. */
  private replaying = 0;
  private sizing = false;
  private frame = 0;

  constructor(
    private readonly container: HTMLElement,
    private readonly events: TerminalEvents,
    options: { fontSize: number; fontFamily: string; screenReader: boolean; label: string },
  ) {
    this.term = new Terminal({
      allowProposedApi: true,
      fontFamily: options.fontFamily,
      fontSize: options.fontSize,
      screenReaderMode: options.screenReader,
      scrollback: SCROLLBACK,
      cursorBlink: !window.matchMedia("(prefers-reduced-motion: reduce)").matches,
      smoothScrollDuration: 0,
      macOptionIsMeta: true,
      rightClickSelectsWord: false,
      linkHandler: { activate: (_event, url) => this.link(url), allowNonHttpProtocols: false },
      theme: THEME,
    });
    this.term.loadAddon(this.fitter);
    this.term.loadAddon(this.searcher);
    this.term.loadAddon(new UnicodeGraphemesAddon());
    this.term.loadAddon(new WebLinksAddon((_event, url) => this.link(url)));
    this.term.open(container);
    this.term.textarea?.setAttribute("aria-label", options.label);
    this.accelerate();
    this.fitter.fit();

    this.term.onData((data) => this.data(data));
    this.term.onBinary((data) => this.events.onInput(Uint8Array.from(data, (c) => c.charCodeAt(0) & 0xff)));
    this.term.onResize(({ cols, rows }) => {
      if (!this.sizing) this.events.onSize(cols, rows);
    });
    this.term.attachCustomKeyEventHandler((event) => this.key(event));
    container.addEventListener("paste", this.paste, true);
    this.watch = new ResizeObserver(() => {
      cancelAnimationFrame(this.frame);
      this.frame = requestAnimationFrame(() => this.fit());
    });
    this.watch.observe(container);
  }

  /** Draws what a message holds, if anything. */
  apply(message: ServerMessage): void {
    if (message.kind === "output") this.write(message.bytes);
    else if (message.kind === "snapshot") {
      this.sizing = true;
      this.replaying += 1;
      // In its turn: what came before it is still being drawn. Replayed at the size that it was taken at.
      this.term.write("", () => {
        this.term.reset();
        this.term.resize(message.cols, message.rows);
      });
      this.term.write(message.bytes, () => {
        this.replaying -= 1;
        this.sizing = this.replaying > 0;
        // Another snapshot waits in line: its turn comes.
        if (this.sizing) return;
        this.fit();
        this.events.onSize(this.term.cols, this.term.rows);
      });
    }
  }

  private write(bytes: Uint8Array): void {
    this.backlog += bytes.length;
    if (this.backlog > BACKLOG) {
      this.backlog = 0;
      this.events.onBacklog();
      return;
    }
    this.term.write(bytes, () => {
      this.backlog = Math.max(0, this.backlog - bytes.length);
    });
  }

  /** Fills the container. */
  private fit(): void {
    if (this.sizing || this.container.clientHeight === 0) return;
    this.fitter.fit();
  }

  get size(): { readonly cols: number; readonly rows: number } {
    return { cols: this.term.cols, rows: this.term.rows };
  }
  get selection(): string {
    return this.term.getSelection();
  }
  focus(): void {
    this.term.focus();
  }
  set fontSize(size: number) {
    this.term.options.fontSize = size;
    this.fit();
  }
  set screenReader(on: boolean) {
    this.term.options.screenReaderMode = on;
  }
  /** Whether typing has an effect. */
  set writable(on: boolean) {
    this.term.options.disableStdin = !on;
    this.term.options.cursorStyle = on ? "block" : "underline";
  }

  /** Sends `text` as a paste: line ends become Enter, bracketed where the guest asked for it. */
  pasteText(text: string): void {
    this.term.paste(text);
    this.term.focus();
  }

  /** Goes to the next (or previous) place where `text` stands. */
  find(text: string, back: boolean): boolean {
    const options = { decorations: { matchOverviewRuler: "#f2cc60", activeMatchColorOverviewRuler: "#ff9632", matchBackground: "#5c4a12", activeMatchBackground: "#b36b00" } };
    return back ? this.searcher.findPrevious(text, options) : this.searcher.findNext(text, { ...options, incremental: false });
  }
  onFound(listener: (found: Found) => void): () => void {
    const { dispose } = this.searcher.onDidChangeResults(({ resultIndex, resultCount }) => listener({ index: resultIndex, count: resultCount }));
    return dispose;
  }
  endFind(): void {
    this.searcher.clearDecorations();
  }

  dispose(): void {
    cancelAnimationFrame(this.frame);
    this.watch.disconnect();
    this.container.removeEventListener("paste", this.paste, true);
    this.term.dispose();
  }

  private accelerate(): void {
    try {
      const webgl = new WebglAddon();
      webgl.onContextLoss(() => webgl.dispose());
      this.term.loadAddon(webgl);
    } catch {
      // No WebGL: xterm draws with the page's own elements.
    }
  }

  private data(data: string): void {
    // Answers to questions (cursor position, device attributes) inside a snapshot are nobody's input.
    if (this.replaying > 0 && REPLY.test(data)) return;
    this.events.onInput(this.encoder.encode(data));
  }

  private key(event: KeyboardEvent): boolean {
    if (event.type !== "keydown") return true;
    if (isLeaveKey(event)) {
      event.preventDefault();
      this.events.onLeave();
      return false;
    }
    const shifted = event.ctrlKey && event.shiftKey && !event.altKey;
    if (shifted && event.code === "KeyC") {
      event.preventDefault();
      if (this.term.hasSelection()) void navigator.clipboard.writeText(this.term.getSelection());
      return false;
    }
    if (shifted && event.code === "KeyF") {
      event.preventDefault();
      this.events.onFind();
      return false;
    }
    // The browser's own paste: the event comes to `paste`.
    return !(shifted && event.code === "KeyV");
  }

  private readonly paste = (event: ClipboardEvent): void => {
    event.preventDefault();
    event.stopPropagation();
    const text = event.clipboardData?.getData("text/plain") ?? "";
    if (text !== "") this.events.onPaste(text);
  };

  private link(url: string): void {
    if (/^https?:\/\//i.test(url)) this.events.onLink(url);
  }
}

/** Colours with at least 4.5:1 on the background, black excepted. */
const THEME = {
  background: "#101214", foreground: "#e4e6e8", cursor: "#7fd4ff", cursorAccent: "#101214", selectionBackground: "#2f5d8a",
  black: "#3a3f44", red: "#ff7b72", green: "#56d364", yellow: "#e3b341", blue: "#79c0ff", magenta: "#d2a8ff", cyan: "#56d4dd", white: "#c9d1d9",
  brightBlack: "#8b949e", brightRed: "#ffa198", brightGreen: "#7ee787", brightYellow: "#f2cc60", brightBlue: "#a5d6ff", brightMagenta: "#e2c5ff",
  brightCyan: "#8ee9f0", brightWhite: "#ffffff",
};
