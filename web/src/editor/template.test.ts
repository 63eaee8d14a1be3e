import { expect, test } from "vitest";
import { ruleIdIn } from "../api/detection";
import { copyOf, newRule } from "./template";

test("a new rule has its id", () => {
  expect(ruleIdIn(newRule("1-2-3"))).toBe("1-2-3");
});

test("a copy has another id and says so in its name", () => {
  const source = '[metadata]\nname = \'m\'\n[rule]\nrule_id = "old" # kept\nname = "A \\"good\\" one"\nnote = """\nname = "no"\n"""\n';
  const copy = copyOf(source.replace("name = 'm'\n", ""), "new");
  expect(copy).toBe('[metadata]\n[rule]\nrule_id = "new" # kept\nname = "A \\"good\\" one (copy)"\nnote = """\nname = "no"\n"""\n');
});
