import { expect, test } from "vitest";
import { clearDraft, draftKey, keepDraft, readDraft } from "./draft";

test("a draft is kept for one person and one rule", () => {
  const map = new Map<string, string>();
  const kept = { getItem: (k: string) => map.get(k) ?? null, setItem: (k: string, v: string) => void map.set(k, v), removeItem: (k: string) => void map.delete(k) };
  const key = draftKey("ada", "s", "r");
  keepDraft(kept, key, { text: "text", etag: '"7"' });
  expect([readDraft(kept, key), readDraft(kept, draftKey("bob", "s", "r")), readDraft(kept, draftKey("ada", "s", "r2"))]).toEqual([{ text: "text", etag: '"7"' }, null, null]);
  clearDraft(kept, key);
  expect(readDraft(kept, key)).toBeNull();
  for (const garbage of ["", "{", "7", "{}", '{"text":1}', "null"]) {
    kept.setItem(key, garbage);
    expect(readDraft(kept, key)).toBeNull();
  }
  const full = { ...kept, setItem: () => { throw new Error("full"); } };
  expect(() => keepDraft(full, key, { text: "text", etag: null })).not.toThrow();
});
