import { describe, expect, test } from "vitest";
import { indent, offsetAt, piecesOf, placeAt, rangeOf, tokensOf } from "./text";

const TEXT = "[rule]\nname = \"ü😀x\"\n\nquery = 1";

describe("places", () => {
  test.each([[1, 1, 0], [1, 7, 6], [1, 99, 6], [2, 1, 7], [2, 10, 16], [3, 1, 21], [4, 1, 22], [4, 99, TEXT.length], [9, 1, TEXT.length], [0, 0, 0]])(
    "line %d, column %d is at %d", (line, column, offset) => expect(offsetAt(TEXT, line, column)).toBe(offset),
  );
  test("and back, with columns in UTF-16 code units", () => {
    for (let offset = 0; offset <= TEXT.length; offset += 1) {
      const { line, column } = placeAt(TEXT, offset);
      expect(offsetAt(TEXT, line, column)).toBe(offset);
    }
    expect(placeAt(TEXT, TEXT.indexOf("x"))).toEqual({ line: 2, column: 12 });
  });
  test.each([
    ["a word", { message: "", line: 2, column: 1, endLine: 2, endColumn: 5 }, "name"],
    ["over lines", { message: "", line: 1, column: 6, endLine: 2, endColumn: 3 }, "]\nna"],
    ["no end: one character", { message: "", line: 4, column: 1 }, "q"],
    ["the end of a line: the character before", { message: "", line: 1, column: 7, endLine: 1, endColumn: 7 }, "]"],
    ["an empty line: its end", { message: "", line: 3, column: 1, endLine: 3, endColumn: 1 }, "\n"],
    ["behind the text", { message: "", line: 40, column: 1 }, "1"],
    ["backwards", { message: "", line: 2, column: 5, endLine: 1, endColumn: 1 }, "e"],
  ])("a problem at %s", (_name, problem, marked) => {
    const range = rangeOf(TEXT, problem);
    expect(range && TEXT.slice(range.from, range.to)).toBe(marked);
  });
  test("a problem of the whole text has no place", () => expect(rangeOf(TEXT, { message: "no name" })).toBeNull());
});

describe("pieces", () => {
  test("together they are the text", () => {
    for (const text of ["", "x", TEXT, "a = '''\n# no comment\n'''\n# one", "[[a.b]]\nx=[1,\n\"]\"]"]) {
      const pieces = piecesOf(text, [{ from: 1, to: 4 }, { from: 3, to: 9 }]);
      expect(pieces.map((piece) => piece.text).join("")).toBe(text);
    }
  });
  test("what is marked is known by its piece", () => {
    const pieces = piecesOf("a = 1", [{ from: 2, to: 3 }]);
    expect(pieces.filter((piece) => piece.marked).map((piece) => piece.text)).toEqual(["="]);
  });
  test.each([
    ["[rule] # x", ["table [rule] ", "comment # x"]],
    ["[[rule.threat]]", ["table [[rule.threat]]"]],
    ["name = \"a # b\"", ["key name", "string \"a # b\""]],
    ["n = 47\nb = true", ["key n", "value 47", "key b", "value true"]],
    ["q = '''\nx = 1\n'''", ["key q", "string '''\nx = 1\n'''"]],
    ["q = \"\"\"\nopen", ["key q", "string \"\"\"\nopen"]],
    ["s = \"open\nt = 1", ["key s", "string \"open", "key t", "value 1"]],
    ["now-9m", []],
  ])("%j", (text, tokens) => {
    expect(tokensOf(text).map(({ kind, from, to }) => `${kind} ${text.slice(from, to)}`)).toEqual(tokens);
  });
});

describe("indentation", () => {
  const apply = (text: string, from: number, to: number, outward = false): string | null => {
    const edit = indent(text, { from, to }, outward);
    if (edit === null) return null;
    const all = text.slice(0, edit.from) + edit.text + text.slice(edit.to);
    return `${all.slice(0, edit.selection.from)}<${all.slice(edit.selection.from, edit.selection.to)}>${all.slice(edit.selection.to)}`;
  };
  test.each([
    ["at the cursor", "ab", 1, 1, false, "a  <>b"],
    ["over a selection", "abc", 1, 2, false, "a  <>c"],
    ["lines, empty ones not", "a\n\nb\nc", 0, 4, false, "  <a\n\n  b>\nc"],
    ["not the line where the selection only ends", "a\nb\nc", 0, 4, false, "  <a\n  b\n>c"],
    ["outward", "  a\n b\nc", 2, 6, true, "<a\nb>\nc"],
    ["outward where there is nothing", "a", 0, 0, true, null],
  ])("%s", (_name, text, from, to, outward, result) => expect(apply(text, from, to, outward)).toBe(result));
});
