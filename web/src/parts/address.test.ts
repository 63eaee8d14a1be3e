import { describe, expect, test } from "vitest";
import { holdsWords, orderIn } from "./address";

describe("the address", () => {
  const columns = [["name", "Name"], ["state", "State"]] as const;
  test.each([
    ["", { by: null, down: false }],
    ["sort=state", { by: "state", down: false }],
    ["sort=name+desc", { by: "name", down: true }],
    ["sort=price", { by: null, down: false }],
  ])("%j orders", (query, order) => expect(orderIn(new URLSearchParams(query), columns)).toEqual(order));

  test.each([
    ["", [], true],
    [" ", ["a"], true],
    ["WEB run", ["web-01", "Running"], true],
    ["web stop", ["web-01", "Running"], false],
    ["1r", ["web-01", "Running"], false],
  ])("%j in %j", (filter, texts, holds) => expect(holdsWords(filter)(texts)).toBe(holds));
});
