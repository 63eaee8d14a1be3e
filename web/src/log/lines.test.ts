import { describe, expect, test } from "vitest";
import { append, EMPTY_LOG, GAP_LINE, LineReader, search } from "./lines";

const bytes = (s: string): Uint8Array => new TextEncoder().encode(s);
function read(...pieces: (string | Uint8Array)[]): { lines: string[]; open: string } {
  const reader = new LineReader();
  const lines = pieces.flatMap((p) => reader.push(typeof p === "string" ? bytes(p) : p));
  return { lines, open: reader.open };
}

describe("LineReader", () => {
  test.each<[string, string, string[], string]>([
    ["lines and an open one", "a\r\nb\nc", ["a", "b"], "c"],
    ["colours", "\x1b[1;31mred\x1b[0m\n", ["red"], ""],
    ["a window title", "\x1b]0;title\x07text\n\x1b]0;t\x1b\\more\n", ["text", "more"], ""],
    ["a character set", "\x1b(Bx\n", ["x"], ""],
    ["a carriage return overwrites", "10%\r20%\n", ["20%"], ""],
    ["a backspace overwrites", "helo\b\blo\n", ["helo".slice(0, 2) + "lo"], ""],
    ["tabs", "a\tb\n", ["a       b"], ""],
    ["bells and nulls vanish", "a\x07\x00b\n", ["ab"], ""],
    ["markup stays text", "<img src=x onerror=alert(1)>\n", ["<img src=x onerror=alert(1)>"], ""],
    ["a cut sequence does not eat the next line", "\x1b[31\nnext\n", ["", "next"], ""],
  ])("%s", (_name, input, lines, open) => {
    expect(read(input)).toEqual({ lines, open });
  });

  test("cuts inside a character and inside a sequence change nothing", () => {
    const all = bytes("\x1b[32mgrün ✓\x1b[0m\nend");
    for (let cut = 0; cut <= all.length; cut++) {
      expect(read(all.subarray(0, cut), all.subarray(cut))).toEqual({ lines: ["grün ✓"], open: "end" });
    }
  });

  test("a line without end is cut, not kept for ever", () => {
    const { lines, open } = read("x".repeat(10_000));
    expect(lines.map((l) => l.length)).toEqual([4096, 4096]);
    expect(open.length).toBe(10_000 - 8192);
  });
});

describe("the log on the page", () => {
  test("keeps the newest lines and the true numbers", () => {
    const one = append(EMPTY_LOG, ["1", "2", "3"], "", 6, 2);
    expect(one).toEqual({ first: 1, lines: ["2", "3"], open: "", bytes: 6, gaps: 0 });
    expect(append(one, ["4"], "5", 3, 2)).toEqual({ first: 2, lines: ["3", "4"], open: "5", bytes: 9, gaps: 0 });
  });

  test("counts what is missing", () => {
    expect(append(EMPTY_LOG, ["[hardline: 12 bytes missing: host disk full]", "x"], "", 50, 10).gaps).toBe(1);
  });

  test("search is for text, not for patterns", () => {
    expect(search(["a.b", "axb", "A.B c"], "a.b")).toEqual([0, 2]);
    expect(search(["a"], "  ")).toEqual([]);
  });

  test("gap lines are recognised whole only", () => {
    expect(GAP_LINE.exec("[hardline: 12 bytes missing: spoolFull]")?.[1]).toBe("12");
    expect(GAP_LINE.test("x [hardline: 12 bytes missing: spoolFull]")).toBe(false);
  });
});
