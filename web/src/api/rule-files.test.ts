import { describe, expect, test } from "vitest";
import { batches, LARGEST, MOST_FILES, readRuleFiles } from "./rule-files";

const file = (name: string, content = "x", size = content.length) => ({ name, size, text: () => Promise.resolve(content) });

describe("rule files", () => {
  test("only what can be a rule is read", async () => {
    const broken = { name: "c.toml", size: 1, text: () => Promise.reject(new Error("gone")) };
    const picked = await readRuleFiles([file("a.toml", "[rule]"), file("B.NDJSON"), file("read.me"), file("big.toml", "x", LARGEST + 1), broken]);
    expect(picked.files).toEqual([{ name: "a.toml", content: "[rule]" }, { name: "B.NDJSON", content: "x" }]);
    expect(picked.left.map(({ name }) => name)).toEqual(["read.me", "big.toml", "c.toml"]);
  });

  test("there is an end", async () => {
    const picked = await readRuleFiles(Array.from({ length: MOST_FILES + 3 }, (_, i) => file(`${i}.toml`)));
    expect([picked.files.length, picked.left.length]).toEqual([MOST_FILES, 3]);
  });

  test("requests are small, files whole and in order", () => {
    const files = Array.from({ length: 7 }, (_, i) => ({ name: `${i}`, content: "x".repeat(400_000) }));
    expect(batches(files).map((batch) => batch.map(({ name }) => name))).toEqual([["0", "1"], ["2", "3"], ["4", "5"], ["6"]]);
    expect(batches([])).toEqual([]);
    expect(batches([{ name: "large", content: "x".repeat(3_000_000) }])).toHaveLength(1);
  });
});
