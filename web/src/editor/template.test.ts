import { expect, test } from "vitest";
import { ruleIdIn } from "../api/detection";
import { clearDraft, draftKey, keepDraft, readDraft } from "./draft";
import { copyOf, newRule } from "./template";

test("a new rule has its id", () => {
  expect(ruleIdIn(newRule("1-2-3"))).toBe("1-2-3");
});

test("a copy has another id and says so in its name", () => {
  const source = '[metadata]\nname = \'m\'\n[rule]\nrule_id = "old" # kept\nname = "A \\"good\\" one"\nnote = """\nname = "no"\n"""\n';
  const copy = copyOf(source.replace("name = 'm'\n", ""), "new");
  expect(copy).toBe('[metadata]\n[rule]\nrule_id = "new" # kept\nname = "A \\"good\\" one (copy)"\nnote = """\nname = "no"\n"""\n');
});

test("a draft is kept for one person and one rule", () => {
  const map = new Map<string, string>();
  const kept = { getItem: (k: string) => map.get(k) ?? null, setItem: (k: string, v: string) => void map.set(k, v), removeItem: (k: string) => void map.delete(k) };
  const key = draftKey("ada", "s", "r");
  keepDraft(kept, key, "text");
  expect([readDraft(kept, key), readDraft(kept, draftKey("bob", "s", "r")), readDraft(kept, draftKey("ada", "s", "r2"))]).toEqual(["text", null, null]);
  clearDraft(kept, key);
  expect(readDraft(kept, key)).toBeNull();
  const full = { ...kept, setItem: () => { throw new Error("full"); } };
  expect(() => keepDraft(full, key, "text")).not.toThrow();
});
