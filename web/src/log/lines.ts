// Serial output as plain lines of text: escape sequences are read and left out, and what a carriage return or a
// backspace overwrote is overwritten. The result is only ever put into the page as text.

/** Longest line kept whole; a guest that never sends a line feed gets its line cut here. */
const LONGEST = 4096;

type Mode = "text" | "escape" | "csi" | "string" | "stringEscape" | "charset";

/** Turns bytes into lines, however they are cut into pieces. */
export class LineReader {
  private readonly decoder = new TextDecoder("utf-8", { fatal: false });
  private mode: Mode = "text";
  private line: string[] = [];
  private column = 0;

  /** The line that has no end yet. */
  get open(): string {
    return this.line.join("");
  }

  /** Reads `bytes` and gives the lines that they finish. */
  push(bytes: Uint8Array): string[] {
    const done: string[] = [];
    for (const char of this.decoder.decode(bytes, { stream: true })) {
      if (this.mode === "text") this.text(char, done);
      else this.sequence(char, done);
    }
    return done;
  }

  private text(char: string, done: string[]): void {
    switch (char) {
      case "\x1b":
        this.mode = "escape";
        return;
      case "\n":
        this.finish(done);
        return;
      case "\r":
        this.column = 0;
        return;
      case "\b":
        this.column = Math.max(0, this.column - 1);
        return;
      case "\t":
        do this.put(" ");
        while (this.column % 8 !== 0 && this.column < LONGEST);
        return;
    }
    const code = char.codePointAt(0) ?? 0;
    if (code === 0x9b) this.mode = "csi";
    else if (code >= 0x20 && code !== 0x7f && !(code >= 0x80 && code < 0xa0)) {
      if (this.column >= LONGEST) this.finish(done);
      this.put(char);
    }
  }

  private put(char: string): void {
    while (this.line.length < this.column) this.line.push(" ");
    this.line[this.column] = char;
    this.column += 1;
  }

  private finish(done: string[]): void {
    done.push(this.open.trimEnd());
    this.line = [];
    this.column = 0;
  }

  private sequence(char: string, done: string[]): void {
    switch (this.mode) {
      case "escape":
        if (char === "[") this.mode = "csi";
        else if ("]PX^_".includes(char)) this.mode = "string";
        else if ("()*+-./ #%".includes(char)) this.mode = "charset";
        else this.mode = "text";
        return;
      case "csi":
        if (char === "\x1b") this.mode = "escape";
        else if (char === "\n") {
          // A sequence that never ended (the machine was reset in its middle) does not eat the next line.
          this.mode = "text";
          this.finish(done);
        } else if (char >= "@" && char <= "~") this.mode = "text";
        return;
      case "string":
        if (char === "\x1b") this.mode = "stringEscape";
        else if (char === "\x07" || char === "\n") {
          this.mode = "text";
          if (char === "\n") this.finish(done);
        }
        return;
      default:
        this.mode = "text";
    }
  }
}

/** A line that says that bytes are missing; only the server's metadata is proof, a guest can print such a line too. */
export const GAP_LINE = /^\[hardline: (\d+|an unknown number of|unknown) bytes missing(?:: (.+))?\]$/;

export interface LogState {
  /** Number of the first line kept, counted from where the reading began. */
  readonly first: number;
  readonly lines: readonly string[];
  readonly open: string;
  readonly bytes: number;
  /** Lines read so far that say that bytes are missing. */
  readonly gaps: number;
}

export const EMPTY_LOG: LogState = { first: 0, lines: [], open: "", bytes: 0, gaps: 0 };

/** Adds lines and drops the oldest beyond `most`. */
export function append(state: LogState, done: readonly string[], open: string, bytes: number, most: number): LogState {
  const lines = done.length === 0 ? state.lines : [...state.lines, ...done];
  const over = Math.max(0, lines.length - most);
  return {
    first: state.first + over,
    lines: over > 0 ? lines.slice(over) : lines,
    open,
    bytes: state.bytes + bytes,
    gaps: state.gaps + done.filter((line) => GAP_LINE.test(line)).length,
  };
}

/** Indexes (into `lines`) of the lines that hold `needle`, in any case. */
export function search(lines: readonly string[], needle: string): number[] {
  const wanted = needle.trim().toLowerCase();
  if (wanted === "") return [];
  const found: number[] = [];
  lines.forEach((line, index) => {
    if (line.toLowerCase().includes(wanted)) found.push(index);
  });
  return found;
}
