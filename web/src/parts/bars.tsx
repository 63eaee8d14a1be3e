// Counts over time: bars for the eye, a table for everybody else.

import { makeStyles, tokens } from "@fluentui/react-components";
import { useLayoutEffect, useRef, useState, type RefObject } from "react";
import { bucketText, dated, scaleFor, type Bucket } from "./buckets";
import { useTableStyles } from "./table";

/** Width until the place is measured, CSS pixels. */
const WIDTH = 720;
const HEIGHT = 150;
const LEFT = 34;
const TOP = 8;
const BOTTOM = 22;

const useStyles = makeStyles({
  figure: { margin: 0 },
  chart: {
    display: "block", width: "100%", height: `${HEIGHT}px`, fontSize: "11px", fontFamily: tokens.fontFamilyBase,
    "& text": { fill: tokens.colorNeutralForeground2 },
    "& line": { stroke: tokens.colorNeutralStroke2 },
    "& .bar": { fill: tokens.colorBrandForeground1 },
    "& g:hover .bar": { fill: tokens.colorBrandForeground2 },
    "& .room": { fill: "transparent" },
  },
  table: {
    fontSize: "12px", marginTop: "4px", color: tokens.colorNeutralForeground2,
    "& summary": { cursor: "pointer", width: "fit-content", borderRadius: "3px" },
    "& summary:focus-visible": { outline: `2px solid ${tokens.colorStrokeFocus2}` },
  },
  rows: { maxHeight: "240px", overflow: "auto", marginTop: "6px", maxWidth: "360px" },
});

/** The width of an element as it is now: text in a chart that is only scaled would be scaled with it. */
function useWidth(): readonly [RefObject<HTMLElement | null>, number] {
  const element = useRef<HTMLElement>(null);
  const [width, setWidth] = useState(WIDTH);
  useLayoutEffect(() => {
    const watched = element.current;
    if (watched === null) return;
    const observer = new ResizeObserver(() => setWidth(Math.max(200, watched.clientWidth)));
    observer.observe(watched);
    return () => observer.disconnect();
  }, []);
  return [element, width];
}

/** A bar for each bucket. `seconds` is how long a bucket is, `what` what is counted, in the plural. */
export function Bars({ buckets, seconds, what }: { readonly buckets: readonly Bucket[]; readonly seconds: number; readonly what: string }) {
  const styles = useStyles();
  const table = useTableStyles();
  const [figure, width] = useWidth();
  if (buckets.length === 0) return null;
  const most = Math.max(...buckets.map(({ count }) => count));
  const total = buckets.reduce((sum, { count }) => sum + count, 0);
  const top = scaleFor(most);
  const room = (width - LEFT) / buckets.length;
  const bar = Math.max(1, Math.min(40, room * 0.72));
  const y = (count: number): number => HEIGHT - BOTTOM - (count / top) * (HEIGHT - BOTTOM - TOP);
  const lines = top === 1 ? [0, 1] : [0, top / 2, top];
  // As many dates as there is room for.
  const dates = dated(buckets.length, (width - LEFT) / (seconds >= 86_400 ? 72 : 112));
  const word = (count: number): string => `${count} ${count === 1 ? what.replace(/s$/, "") : what}`;
  return (
    <figure className={styles.figure} ref={figure}>
      <svg className={styles.chart} viewBox={`0 0 ${width} ${HEIGHT}`} role="img" aria-label={`${word(total)} in ${buckets.length} parts of the time; at most ${most} in one. The table below has the numbers.`}>
        {lines.map((count) => (
          <g key={count}>
            <line x1={LEFT} x2={width} y1={y(count)} y2={y(count)} />
            <text x={LEFT - 6} y={y(count) + 4} textAnchor="end">
              {Number.isInteger(count) ? count : count.toFixed(1)}
            </text>
          </g>
        ))}
        {buckets.map(({ start, count }, i) => {
          const left = LEFT + i * room;
          return (
            <g key={start}>
              <title>{`${bucketText(start, seconds)}: ${word(count)}`}</title>
              <rect className="room" x={left} y={TOP} width={room} height={HEIGHT - BOTTOM - TOP} />
              {count > 0 && <rect className="bar" x={left + (room - bar) / 2} y={y(count)} width={bar} height={HEIGHT - BOTTOM - y(count)} rx={Math.min(2, bar / 4)} />}
              {dates.has(i) && (
                <text x={dates.get(i) === "start" ? left : dates.get(i) === "end" ? left + room : left + room / 2} y={HEIGHT - 6} textAnchor={dates.get(i)}>
                  {bucketText(start, seconds)}
                </text>
              )}
            </g>
          );
        })}
      </svg>
      <details className={styles.table}>
        <summary>As a table</summary>
        <div className={styles.rows} tabIndex={0} role="region" aria-label="Numbers of the chart">
          <table className={table.table}>
            <thead>
              <tr>
                <th scope="col">From</th>
                <th scope="col">{what}</th>
              </tr>
            </thead>
            <tbody>
              {buckets.map(({ start, count }) => (
                <tr key={start}>
                  <td>{bucketText(start, seconds)}</td>
                  <td>{count}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      </details>
    </figure>
  );
}
