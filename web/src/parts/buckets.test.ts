import { describe, expect, test } from "vitest";
import { bucketsOf, dated, MOST, scaleFor } from "./buckets";

const day = 86_400;
const at = (text: string): number => Date.parse(text);

describe("buckets", () => {
  test("empty ones are there too", () => {
    const trial = {
      from: "2026-11-01T00:00:00Z", to: "2026-11-05T00:00:00Z", bucketSeconds: day,
      buckets: [{ start: "2026-11-02T00:00:00Z", alerts: 3 }, { start: "2026-11-04T00:00:00Z", alerts: 1 }],
    };
    expect(bucketsOf(trial)).toEqual([
      { start: at("2026-11-01T00:00:00Z"), count: 0 },
      { start: at("2026-11-02T00:00:00Z"), count: 3 },
      { start: at("2026-11-03T00:00:00Z"), count: 0 },
      { start: at("2026-11-04T00:00:00Z"), count: 1 },
    ]);
  });

  test("they lie where the server's do", () => {
    const trial = { from: "2026-11-01T06:30:00Z", to: "2026-11-02T06:30:00Z", bucketSeconds: 43_200, buckets: [{ start: "2026-11-01T18:30:00Z", alerts: 2 }] };
    expect(bucketsOf(trial).map(({ count }) => count)).toEqual([0, 2]);
  });

  test.each([
    ["nothing", {}, 0],
    ["no width", { from: "2026-11-01T00:00:00Z", to: "2026-11-02T00:00:00Z", buckets: [{ start: "2026-11-01T00:00:00Z", alerts: 1 }] }, 1],
    ["a million seconds", { from: "2026-11-01T00:00:00Z", to: "2026-11-30T00:00:00Z", bucketSeconds: 1, buckets: [] }, 0],
    ["times that are none", { from: "x", to: "y", bucketSeconds: 60, buckets: [{ start: "z", alerts: 1 }] }, 0],
    ["too many", { buckets: Array.from({ length: MOST + 5 }, (_, i) => ({ start: new Date(i * 1000).toISOString(), alerts: 1 })) }, MOST],
  ])("%s", (_name, trial, length) => expect(bucketsOf(trial)).toHaveLength(length));

  test.each([
    [0, 4, [[0, "start"]]],
    [1, 4, [[0, "start"]]],
    [2, 4, [[0, "start"], [1, "end"]]],
    [56, 3.4, [[0, "start"], [28, "middle"], [55, "end"]]],
    [56, 0.2, [[0, "start"]]],
  ])("of %d buckets with room for %d, dates are at %j", (count, most, places) => expect([...dated(count, most)]).toEqual(places));

  test.each([[0, 1], [1, 1], [3, 3], [4, 4], [5, 5], [6, 10], [17, 20], [51, 100], [4321, 5000]])("up to %d the scale is %d", (most, height) => {
    expect(scaleFor(most)).toBe(height);
  });
});
