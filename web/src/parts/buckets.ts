// Counts over time as bars: every bucket of the span, also the empty ones, and a scale that people read easily.

import type { Trial } from "../api/detection";

export interface Bucket {
  /** Milliseconds since 1970. */
  readonly start: number;
  readonly count: number;
}

/** Most bars that are drawn. */
export const MOST = 800;

/** Every bucket from the trial's begin to its end; the server may leave empty ones out. */
export function bucketsOf(trial: Trial): Bucket[] {
  const counted = (trial.buckets ?? []).flatMap(({ start, alerts }) => {
    const at = Date.parse(start ?? "");
    return Number.isNaN(at) ? [] : [{ start: at, count: Math.max(0, alerts ?? 0) }];
  });
  counted.sort((a, b) => a.start - b.start);
  const width = (trial.bucketSeconds ?? 0) * 1000;
  const [from, to] = [Date.parse(trial.from ?? ""), Date.parse(trial.to ?? "")];
  if (!(width > 0) || !(from < to) || (to - from) / width > MOST) return counted.slice(0, MOST);
  const known = counted[0]?.start;
  // The buckets lie where the server's do, or on whole multiples of their width.
  let at = known === undefined ? Math.floor(from / width) * width : known - Math.ceil((known - from) / width) * width;
  const all: Bucket[] = [];
  for (; at < to && all.length < MOST; at += width) {
    const end = at + width;
    const count = counted.reduce((sum, bucket) => (bucket.start >= at && bucket.start < end ? sum + bucket.count : sum), 0);
    all.push({ start: at, count });
  }
  return all;
}

/** The height of the scale for counts up to `most`: 1, 2 or 5 times a power of ten. */
export function scaleFor(most: number): number {
  if (most <= 4) return Math.max(1, Math.ceil(most));
  const power = 10 ** Math.floor(Math.log10(most));
  return [1, 2, 5, 10].map((n) => n * power).find((height) => height >= most) ?? most;
}

/** Which of `count` buckets have their date below them, and how it lies, when `most` dates have room: the first, the last, and some between. */
export function dated(count: number, most: number): ReadonlyMap<number, "start" | "middle" | "end"> {
  const dates = Math.min(count, Math.max(1, Math.floor(most)));
  const places = new Map<number, "start" | "middle" | "end">([[0, "start"]]);
  for (let n = 1; n < dates; n += 1) places.set(Math.round((n * (count - 1)) / (dates - 1)), n === dates - 1 ? "end" : "middle");
  return places;
}

/** A bucket's begin for people: with the hour when a bucket is shorter than a day. */
export function bucketText(start: number, seconds: number): string {
  const day = { month: "short", day: "numeric" } as const;
  const format = seconds >= 86_400 ? day : ({ ...day, hour: "2-digit", minute: "2-digit", hourCycle: "h23" } as const);
  return new Intl.DateTimeFormat(undefined, format).format(start);
}
