import { describe, expect, test } from "vitest";
import { inline, LONGEST, parseMarkdown, plainText, safeLink, type Block, type Inline } from "./markdown";

const text = (t: string): Inline => ({ is: "text", text: t });
const paragraph = (t: string): Block => ({ is: "paragraph", inside: [text(t)] });

describe("blocks", () => {
  test("headings, paragraphs, lists, code, quotes, rules", () => {
    const guide = ["## Triage", "", "Who did", "it?", "", "- the **principal**", "- its `address`", "  - is it known?", "", "1. first", "2. second", "", "```kuery", "event.action:*", "```", "> said", "---", "    indented"];
    expect(parseMarkdown(guide.join("\r\n"))).toEqual([
      { is: "heading", level: 2, inside: [text("Triage")] },
      paragraph("Who did\nit?"),
      {
        is: "list", ordered: false, start: 1, items: [
          [{ is: "paragraph", inside: [text("the "), { is: "strong", inside: [text("principal")] }] }],
          [
            { is: "paragraph", inside: [text("its "), { is: "code", text: "address" }] },
            { is: "list", ordered: false, start: 1, items: [[paragraph("is it known?")]] },
          ],
        ],
      },
      { is: "list", ordered: true, start: 1, items: [[paragraph("first")], [paragraph("second")]] },
      { is: "code", text: "event.action:*" },
      { is: "quote", blocks: [paragraph("said")] },
      { is: "rule" },
      { is: "code", text: "indented" },
    ]);
  });

  test("a table", () => {
    expect(parseMarkdown("| a | b |\n|---|:-:|\n| 1 | `x` |\nend")).toEqual([
      { is: "table", head: [[text("a")], [text("b")]], rows: [[[text("1")], [{ is: "code", text: "x" }]]] },
      paragraph("end"),
    ]);
  });

  test("HTML and images stay text", () => {
    const [block] = parseMarkdown('<script>alert(1)</script> <img src=x onerror=alert(1)> ![pic](https://x.test/p.png)');
    expect(block).toEqual({
      is: "paragraph",
      inside: [text("<script>alert(1)</script> <img src=x onerror=alert(1)> !"), { is: "link", to: "https://x.test/p.png", inside: [text("pic")] }],
    });
  });

  test.each([
    ["a fence without an end", "```\nx"],
    ["nothing", ""],
    ["quotes without an end", ">".repeat(5000)],
    ["lists in lists in lists", Array.from({ length: 500 }, (_, i) => `${" ".repeat(i)}- x`).join("\n")],
    ["many stars", "*".repeat(20_000)],
    ["many brackets", "[".repeat(20_000)],
    ["many links half open", "[a](".repeat(5000)],
    ["many ticks", "`a``b".repeat(4000)],
    ["a table of nothing", "|\n|-|\n".repeat(2000)],
  ])("comes back from %s", (_name, guide) => {
    expect(Array.isArray(parseMarkdown(guide))).toBe(true);
  });

  test("a text that is too long is cut", () => {
    const [block] = parseMarkdown("x".repeat(LONGEST + 10));
    expect(block?.is === "paragraph" && plainText(block.inside).length).toBe(LONGEST);
  });
});

describe("runs", () => {
  test.each<[string, Inline[]]>([
    ["a *b* c", [text("a "), { is: "emphasis", inside: [text("b")] }, text(" c")]],
    ["event_action_name and 2*3*4", [text("event_action_name and 2"), { is: "emphasis", inside: [text("3")] }, text("4")]],
    ["`azure.activitylogs`", [{ is: "code", text: "azure.activitylogs" }]],
    ["`` a`b ``", [{ is: "code", text: "a`b" }]],
    ["\\*plain\\*", [text("*plain*")]],
    ["[docs](https://x.test/a_(b) \"title\")", [{ is: "link", to: "https://x.test/a_(b)", inside: [text("docs")] }]],
    ["see https://x.test/a.", [text("see "), { is: "link", to: "https://x.test/a", inside: [text("https://x.test/a")] }, text(".")]],
    ["<https://x.test/>", [{ is: "link", to: "https://x.test/", inside: [text("https://x.test/")] }]],
    ["[run](javascript:alert)", [text("run (javascript:alert)")]],
    ["[plain](http://x.test)", [text("plain (http://x.test)")]],
    ["[**bold**](https://x.test)", [{ is: "link", to: "https://x.test/", inside: [{ is: "strong", inside: [text("bold")] }] }]],
  ])("%s", (markdown, runs) => expect(inline(markdown)).toEqual(runs));

  test.each([
    ["https://x.test/?q=1#f", "https://x.test/?q=1#f"],
    ["HTTPS://x.test", "https://x.test/"],
    ["http://x.test", null],
    ["javascript:alert(1)", null],
    ["data:text/html,x", null],
    ["//x.test", null],
    ["/vms", null],
    ["https://bank.test@evil.test/", null],
    ["", null],
  ])("a link may lead to %s: %s", (address, to) => expect(safeLink(address)).toBe(to));
});
