// Many lines of a log, of which only those in sight are in the page. Everything is text, never markup.

import { makeStyles, mergeClasses, tokens } from "@fluentui/react-components";
import { useEffect, useLayoutEffect, useRef, useState, type ReactNode } from "react";
import { GAP_LINE, type LogState } from "./lines";

/** Height of a line, pixels. */
const LINE = 18;
/** Lines drawn above and below what is in sight. */
const MARGIN = 30;

const useStyles = makeStyles({
  view: {
    flexGrow: 1, minHeight: "120px", overflow: "auto", overflowAnchor: "none", background: "#101214", color: "#e4e6e8", border: `1px solid ${tokens.colorNeutralStroke1}`, borderRadius: "6px",
    fontFamily: tokens.fontFamilyMonospace, fontSize: "12.5px", lineHeight: `${LINE}px`, colorScheme: "dark",
    ":focus-visible": { outline: `2px solid ${tokens.colorStrokeFocus2}`, outlineOffset: "1px" },
  },
  all: { position: "relative", minWidth: "100%", width: "max-content" },
  part: { position: "absolute", left: 0, right: 0, padding: "0 12px" },
  line: { whiteSpace: "pre", height: `${LINE}px` },
  number: { display: "inline-block", width: "6ch", marginRight: "1.5ch", textAlign: "right", color: "#8b949e", userSelect: "none" },
  gap: { color: "#ffb454", background: "rgba(255,180,84,.12)" },
  found: { background: "rgba(120,180,255,.14)" },
  current: { background: "rgba(120,180,255,.32)" },
  mark: { background: "#f2cc60", color: "#101214", borderRadius: "2px" },
});

export interface LogViewProps {
  readonly log: LogState;
  readonly label: string;
  /** Keep the newest line in sight. */
  readonly following: boolean;
  /** The person scrolled away from the end, or back to it. */
  readonly onFollow: (following: boolean) => void;
  readonly needle: string;
  /** Index into `log.lines` of the match to show. */
  readonly current: number | null;
}

export function LogView({ log, label, following, onFollow, needle, current }: LogViewProps) {
  const styles = useStyles();
  const view = useRef<HTMLDivElement>(null);
  const [top, setTop] = useState(0);
  const [height, setHeight] = useState(600);
  const count = log.lines.length + (log.open === "" ? 0 : 1);
  const first = useRef(log.first);
  // Where the view was last: only a person scrolls up.
  const last = useRef(0);

  useEffect(() => {
    const element = view.current;
    if (element === null) return;
    const watch = new ResizeObserver(() => setHeight(element.clientHeight));
    watch.observe(element);
    return () => watch.disconnect();
  }, []);

  useLayoutEffect(() => {
    const element = view.current;
    if (element === null) return;
    if (following) element.scrollTop = element.scrollHeight;
    // Lines left at the top: what the person reads stays where it is.
    else if (log.first > first.current) element.scrollTop -= (log.first - first.current) * LINE;
    first.current = log.first;
    last.current = element.scrollTop;
  }, [log, following, height]);

  useEffect(() => {
    const element = view.current;
    if (current === null || element === null) return;
    const y = current * LINE;
    if (y < element.scrollTop || y + LINE > element.scrollTop + element.clientHeight) {
      element.scrollTop = Math.max(0, y - element.clientHeight / 2);
    }
  }, [current]);

  const from = Math.max(0, Math.floor(top / LINE) - MARGIN);
  const to = Math.min(count, Math.ceil((top + height) / LINE) + MARGIN);
  const rows: ReactNode[] = [];
  for (let i = from; i < to; i++) {
    const line = log.lines[i] ?? log.open;
    const found = needle !== "" && line.toLowerCase().includes(needle.toLowerCase());
    rows.push(
      <div
        key={log.first + i}
        className={mergeClasses(styles.line, GAP_LINE.test(line) && styles.gap, found && styles.found, i === current && styles.current)}
      >
        <span className={styles.number} aria-hidden="true">
          {log.first + i + 1}
        </span>
        {found ? <Marked line={line} needle={needle} className={styles.mark} /> : line}
      </div>,
    );
  }
  return (
    <div
      ref={view}
      className={styles.view}
      tabIndex={0}
      role="region"
      aria-label={label}
      onScroll={(event) => {
        const element = event.currentTarget;
        setTop(element.scrollTop);
        const up = element.scrollTop < last.current - 1;
        const atEnd = element.scrollHeight - element.scrollTop - element.clientHeight < LINE * 2;
        last.current = element.scrollTop;
        if (following && up && !atEnd) onFollow(false);
        else if (!following && !up && atEnd) onFollow(true);
      }}
    >
      <div className={styles.all} style={{ height: count * LINE + 12 }}>
        <div className={styles.part} style={{ top: from * LINE + 6 }}>
          {rows}
        </div>
      </div>
    </div>
  );
}

function Marked({ line, needle, className }: { readonly line: string; readonly needle: string; readonly className: string }) {
  const parts: ReactNode[] = [];
  const low = line.toLowerCase();
  const wanted = needle.toLowerCase();
  let at = 0;
  // Lower case may have another length in a few scripts; then the line is shown unmarked.
  if (low.length !== line.length) return line;
  for (let hit = low.indexOf(wanted); hit !== -1; hit = low.indexOf(wanted, at)) {
    parts.push(line.slice(at, hit));
    parts.push(
      <mark key={hit} className={className}>
        {line.slice(hit, hit + wanted.length)}
      </mark>,
    );
    at = hit + wanted.length;
  }
  parts.push(line.slice(at));
  return <>{parts}</>;
}
