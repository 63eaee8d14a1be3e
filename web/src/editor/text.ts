// Places in a text: lines and columns from 1, columns in UTF-16 code units as JavaScript counts them.

import type { RuleProblem } from "../api/detection";

/** A part of a text, from one offset up to before the other. */
export interface Range {
  readonly from: number;
  readonly to: number;
}

/** The offset of a place; a place outside of the text is its nearest one inside. */
export function offsetAt(text: string, line: number, column: number): number {
  let start = 0;
  for (let n = 1; n < line; n += 1) {
    const end = text.indexOf("\n", start);
    if (end === -1) return text.length;
    start = end + 1;
  }
  const end = text.indexOf("\n", start);
  return Math.min(start + Math.max(0, column - 1), end === -1 ? text.length : end);
}

/** Line and column of an offset. */
export function placeAt(text: string, offset: number): { readonly line: number; readonly column: number } {
  const before = text.slice(0, Math.max(0, offset));
  const start = before.lastIndexOf("\n") + 1;
  return { line: before.split("\n").length, column: before.length - start + 1 };
}

export const lineCount = (text: string): number => text.split("\n").length;

/** Where a problem stands, at least one character wide; null for one of the whole text. */
export function rangeOf(text: string, problem: RuleProblem): Range | null {
  if (problem.line === undefined) return null;
  const from = offsetAt(text, problem.line, problem.column ?? 1);
  const to = Math.max(from, offsetAt(text, problem.endLine ?? problem.line, problem.endColumn ?? (problem.column ?? 1) + 1));
  if (to > from) return { from, to };
  // Nothing stands there: the character before is marked, else the one behind.
  if (from > 0 && text[from - 1] !== "\n") return { from: from - 1, to: from };
  return { from, to: Math.min(text.length, from + 1) };
}

/** What a part of the text is shown as. */
export type Kind = "text" | "comment" | "table" | "key" | "string" | "value";

export interface Piece {
  readonly text: string;
  readonly kind: Kind;
  readonly marked: boolean;
}

/** The text in pieces: each of one kind, inside or outside of what is marked. */
export function piecesOf(text: string, marks: readonly Range[]): Piece[] {
  const cuts = new Set<number>([0, text.length]);
  const kinds = tokensOf(text);
  for (const { from, to } of [...marks, ...kinds]) {
    cuts.add(from);
    cuts.add(to);
  }
  const at = [...cuts].sort((a, b) => a - b);
  const pieces: Piece[] = [];
  let token = 0;
  at.forEach((from, i) => {
    const to = at[i + 1];
    if (to === undefined || to === from) return;
    while ((kinds[token]?.to ?? Infinity) <= from) token += 1;
    const here = kinds[token];
    const kind = here !== undefined && here.from <= from ? here.kind : "text";
    pieces.push({ text: text.slice(from, to), kind, marked: marks.some((mark) => mark.from < to && mark.to > from) });
  });
  return pieces;
}

/** TOML's comments, tables, keys, strings and other values, for the eye only: what is not known stays text. */
export function tokensOf(text: string): (Range & { readonly kind: Kind })[] {
  const found: (Range & { kind: Kind })[] = [];
  const pattern =
    /(?<comment>#[^\n]*)|(?<string>"""[\s\S]*?(?:"""|(?![\s\S]))|'''[\s\S]*?(?:'''|(?![\s\S]))|"(?:[^"\\\n]|\\.)*"?|'[^'\n]*'?)|(?<table>^[ \t]*\[\[?[^\]\n=,"']*\]\]?[ \t]*(?=$|#))|(?<key>^[ \t]*[A-Za-z0-9_.-]+(?=[ \t]*=))|(?<value>(?<![\w.-])(?:true|false|[+-]?\d[\d_.:TZe+-]*)(?![\w-]))/gm;
  for (const match of text.matchAll(pattern)) {
    const groups = match.groups ?? {};
    const kind = (["comment", "string", "table", "key", "value"] as const).find((name) => groups[name] !== undefined);
    if (kind !== undefined) found.push({ from: match.index, to: match.index + match[0].length, kind });
  }
  return found;
}

/** One step of indentation. */
export const STEP = "  ";

/** A part of the text to replace, with what, and what is selected afterwards. */
export interface Edit extends Range {
  readonly text: string;
  readonly selection: Range;
}

/** What Tab (or, `outward`, Shift+Tab) does with the selection; null when there is nothing to do. */
export function indent(text: string, { from, to }: Range, outward: boolean): Edit | null {
  if (!outward && !text.slice(from, to).includes("\n")) {
    return { from, to, text: STEP, selection: { from: from + STEP.length, to: from + STEP.length } };
  }
  const start = text.lastIndexOf("\n", from - 1) + 1;
  // A selection that ends at the begin of a line does not mean that line.
  const last = to > from && text[to - 1] === "\n" ? to - 1 : to;
  const next = text.indexOf("\n", last);
  const end = next === -1 ? text.length : next;
  const lines = text.slice(start, end).split("\n");
  const changed = lines.map((line) => (outward ? line.replace(/^ {1,2}/, "") : line === "" ? line : STEP + line));
  const result = changed.join("\n");
  if (result === text.slice(start, end)) return null;
  const first = (changed[0]?.length ?? 0) - (lines[0]?.length ?? 0);
  const selection = { from: Math.max(start, from + first), to: Math.max(start, to + result.length - (end - start)) };
  return { from: start, to: end, text: result, selection };
}
