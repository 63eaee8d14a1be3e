// Markdown as the guides of rules are written in it: read into blocks and runs of text. It knows no HTML and no images;
// whatever it does not know stays text. A guide comes from whoever wrote the rule: nothing in it can be more than text
// or a link to an https address.

export type Inline =
  | { readonly is: "text" | "code"; readonly text: string }
  | { readonly is: "strong" | "emphasis"; readonly inside: readonly Inline[] }
  | { readonly is: "link"; readonly to: string; readonly inside: readonly Inline[] };

export type Block =
  | { readonly is: "heading"; readonly level: number; readonly inside: readonly Inline[] }
  | { readonly is: "paragraph"; readonly inside: readonly Inline[] }
  | { readonly is: "list"; readonly ordered: boolean; readonly start: number; readonly items: readonly (readonly Block[])[] }
  | { readonly is: "quote"; readonly blocks: readonly Block[] }
  | { readonly is: "code"; readonly text: string }
  | { readonly is: "table"; readonly head: readonly (readonly Inline[])[]; readonly rows: readonly (readonly (readonly Inline[])[])[] }
  | { readonly is: "rule" };

/** Longest text that is read, in UTF-16 code units; the rest is left out. */
export const LONGEST = 200_000;
/** Deepest nesting of lists, quotes and emphasis. */
const DEEPEST = 8;

/** Reads a text. Never fails: what is not Markdown is text. */
export function parseMarkdown(text: string): Block[] {
  return blocks(text.slice(0, LONGEST).replaceAll("\r\n", "\n").replaceAll("\t", "    ").split("\n"), 0);
}

const FENCE = /^ {0,3}(`{3,}|~{3,})/;
const HEADING = /^ {0,3}(#{1,6})(?:[ ]+(.*?))?(?:[ ]+#+)?[ ]*$/;
const ITEM = /^( {0,3})([-*+]|\d{1,9}[.)])( +|$)/;
const QUOTE = /^ {0,3}> ?/;
const RULE = /^ {0,3}(?:(?:\* *){3,}|(?:- *){3,}|(?:_ *){3,})$/;
const TABLE_LINE = /^ {0,3}\|?(?: *:?-+:? *\|)+(?: *:?-+:? *)?$/;
const isBlank = (line: string): boolean => line.trim() === "";

function blocks(lines: readonly string[], depth: number): Block[] {
  const found: Block[] = [];
  let i = 0;
  const line = (n: number): string => lines[n] ?? "";
  while (i < lines.length) {
    const here = line(i);
    if (isBlank(here)) {
      i += 1;
      continue;
    }
    const fence = FENCE.exec(here)?.[1];
    if (fence !== undefined) {
      const end = lines.findIndex((l, n) => n > i && l.trim().startsWith(fence) && l.trim().replaceAll(fence[0] ?? "", "") === "");
      const last = end === -1 ? lines.length : end;
      found.push({ is: "code", text: lines.slice(i + 1, last).join("\n") });
      i = last + 1;
      continue;
    }
    const heading = HEADING.exec(here);
    if (heading !== null) {
      found.push({ is: "heading", level: heading[1]?.length ?? 1, inside: inline(heading[2] ?? "") });
      i += 1;
      continue;
    }
    if (RULE.test(here)) {
      found.push({ is: "rule" });
      i += 1;
      continue;
    }
    if (/^ {4}/.test(here)) {
      const from = i;
      while (i < lines.length && (/^ {4}/.test(line(i)) || isBlank(line(i)))) i += 1;
      found.push({ is: "code", text: lines.slice(from, i).map((l) => l.slice(4)).join("\n").trimEnd() });
      continue;
    }
    if (depth < DEEPEST && QUOTE.test(here)) {
      const from = i;
      while (i < lines.length && QUOTE.test(line(i))) i += 1;
      found.push({ is: "quote", blocks: blocks(lines.slice(from, i).map((l) => l.replace(QUOTE, "")), depth + 1) });
      continue;
    }
    if (depth < DEEPEST && ITEM.test(here)) {
      const [list, next] = readList(lines, i, depth);
      found.push(list);
      i = next;
      continue;
    }
    if (here.includes("|") && TABLE_LINE.test(line(i + 1))) {
      const head = cells(here);
      const rows: Inline[][][] = [];
      i += 2;
      while (i < lines.length && line(i).includes("|")) {
        rows.push(cells(line(i)));
        i += 1;
      }
      found.push({ is: "table", head, rows });
      continue;
    }
    const from = i;
    i += 1;
    while (i < lines.length && !isBlank(line(i)) && !startsBlock(line(i))) i += 1;
    found.push({ is: "paragraph", inside: inline(lines.slice(from, i).map((l) => l.trim()).join("\n")) });
  }
  return found;
}

/** Whether a line ends the paragraph before it. */
function startsBlock(line: string): boolean {
  return FENCE.test(line) || HEADING.test(line) || RULE.test(line) || QUOTE.test(line) || ITEM.test(line);
}

/** The list that begins at `from`, and the line behind it. */
function readList(lines: readonly string[], from: number, depth: number): [Block, number] {
  const first = ITEM.exec(lines[from] ?? "")?.[2] ?? "-";
  const ordered = /\d/.test(first);
  const sort = first.at(-1);
  const items: Block[][] = [];
  let i = from;
  while (i < lines.length) {
    const begun = ITEM.exec(lines[i] ?? "");
    if (begun === null || begun[2]?.at(-1) !== sort || RULE.test(lines[i] ?? "")) break;
    const indent = begun[0].length + (begun[3] === "" ? 1 : 0);
    const inside = [(lines[i] ?? "").slice(begun[0].length)];
    i += 1;
    for (; i < lines.length; i += 1) {
      const line = lines[i] ?? "";
      const own = /^ */.exec(line)?.[0].length ?? 0;
      if (isBlank(line)) inside.push("");
      else if (own >= Math.min(indent, 2)) inside.push(line.slice(Math.min(own, indent)));
      // A line that goes on with the item's paragraph, as people wrap text.
      else if (!isBlank(inside.at(-1) ?? "") && !startsBlock(line)) inside.push(line);
      else break;
    }
    items.push(blocks(inside, depth + 1));
  }
  return [{ is: "list", ordered, start: ordered ? Number.parseInt(first, 10) : 1, items }, i];
}

function cells(line: string): Inline[][] {
  return line
    .trim()
    .replace(/^\||\|$/g, "")
    .split(/(?<!\\)\|/)
    .map((cell) => inline(cell.trim().replaceAll("\\|", "|")));
}

/** The address when a link may lead there: https, without a name and a password in it; else null. */
export function safeLink(address: string): string | null {
  try {
    const url = new URL(address);
    return url.protocol === "https:" && url.username === "" && url.password === "" ? url.href : null;
  } catch {
    return null;
  }
}

const ESCAPABLE = /[!-/:-@[-`{-~]/;

/** Runs of text, code, emphasis and links. */
export function inline(text: string, depth = 0): Inline[] {
  const found: Inline[] = [];
  let plain = "";
  let i = 0;
  const put = (run: Inline, end: number): void => {
    if (plain !== "") found.push({ is: "text", text: plain });
    plain = "";
    found.push(run);
    i = end;
  };
  while (i < text.length) {
    const c = text[i] ?? "";
    const rest = text.slice(i, i + 2000);
    if (c === "\\" && ESCAPABLE.test(text[i + 1] ?? "")) {
      plain += text[i + 1] ?? "";
      i += 2;
      continue;
    }
    if (c === "`") {
      const ticks = /^`+/.exec(rest)?.[0] ?? "`";
      const code = new RegExp(`^${ticks}(?!\`)([\\s\\S]*?[^\`])${ticks}(?!\`)`).exec(rest);
      if (code !== null) {
        put({ is: "code", text: (code[1] ?? "").replace(/^ (.*) $/, "$1") }, i + code[0].length);
      } else {
        plain += ticks;
        i += ticks.length;
      }
      continue;
    }
    if (depth < DEEPEST) {
      const link = c === "[" ? /^\[((?:[^\]\\[]|\\.|\[[^\]]*\])*)\]\(\s*<?([^\s()<>]*(?:\([^\s()<>]*\)[^\s()<>]*)*)>?(?:\s+["'(][^\n]*?["')])?\s*\)/.exec(rest) : null;
      if (link !== null) {
        const inside = inline(link[1] ?? "", depth + 1);
        const to = safeLink(link[2] ?? "");
        if (to !== null) put({ is: "link", to, inside: withoutLinks(inside) }, i + link[0].length);
        else {
          // An address that is not followed is at least seen.
          plain += `${plainText(inside)} (${link[2] ?? ""})`;
          i += link[0].length;
        }
        continue;
      }
      const strong = c === "*" || c === "_" ? /^(\*\*|__)(?=\S)([\s\S]*?\S)\1/.exec(rest) : null;
      if (strong !== null && opens(text, i, c) && closes(text, i + strong[0].length, c)) {
        put({ is: "strong", inside: inline(strong[2] ?? "", depth + 1) }, i + strong[0].length);
        continue;
      }
      const emphasis = c === "*" || c === "_" ? /^([*_])(?=[^\s*_])([^*_]*?[^\s*_])\1(?!\1)/.exec(rest) : null;
      if (emphasis !== null && opens(text, i, c) && closes(text, i + emphasis[0].length, c)) {
        put({ is: "emphasis", inside: inline(emphasis[2] ?? "", depth + 1) }, i + emphasis[0].length);
        continue;
      }
    }
    const bare = /^<?(https:\/\/[^\s<>"'`]+)>?/.exec(c === "<" || c === "h" ? rest : "");
    if (bare !== null && !/\w/.test(text[i - 1] ?? "")) {
      const angle = c === "<";
      const address = angle ? (bare[1] ?? "") : (bare[1] ?? "").replace(/[.,;:!?)\]*_]+$/, "");
      const to = safeLink(address);
      if (to !== null) {
        put({ is: "link", to, inside: [{ is: "text", text: address }] }, i + (angle ? bare[0].length : address.length));
        continue;
      }
    }
    plain += c;
    i += 1;
  }
  if (plain !== "") found.push({ is: "text", text: plain });
  return found;
}

/** `snake_case_names` are no emphasis: an underscore opens and closes only at the edge of a word. */
function opens(text: string, at: number, mark: string): boolean {
  return mark === "*" || !/\w/.test(text[at - 1] ?? "");
}
function closes(text: string, end: number, mark: string): boolean {
  return mark === "*" || !/\w/.test(text[end] ?? "");
}

/** A link holds no links. */
function withoutLinks(runs: readonly Inline[]): Inline[] {
  return runs.flatMap((run) => {
    if (run.is === "link") return withoutLinks(run.inside);
    return "inside" in run ? [{ ...run, inside: withoutLinks(run.inside) }] : [run];
  });
}

/** The text of some runs, without their form. */
export function plainText(runs: readonly Inline[]): string {
  return runs.map((run) => ("inside" in run ? plainText(run.inside) : run.text)).join("");
}
