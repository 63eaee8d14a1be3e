// One line that says how the console stands.

import { Button, makeStyles, mergeClasses, tokens } from "@fluentui/react-components";
import { ago, useNow } from "../parts/time";
import { gapText, refusalText, type ConsoleState } from "./state";

const useStyles = makeStyles({
  line: {
    display: "flex", alignItems: "center", gap: "4px 16px", flexWrap: "wrap", minHeight: "28px", padding: "0 4px", fontSize: "12px", flexShrink: 0,
    color: tokens.colorNeutralForeground2, fontVariantNumeric: "tabular-nums",
  },
  main: { display: "inline-flex", alignItems: "center", gap: "8px", color: tokens.colorNeutralForeground1, fontWeight: 600 },
  dot: { width: "9px", height: "9px", borderRadius: "50%", flexShrink: 0, background: tokens.colorNeutralForeground3 },
  good: { background: tokens.colorPaletteGreenForeground1 },
  watch: { background: tokens.colorBrandForeground1 },
  wait: { background: tokens.colorPaletteYellowForeground1 },
  bad: { background: tokens.colorPaletteRedForeground1 },
  warn: { color: tokens.colorPaletteDarkOrangeForeground1, fontWeight: 600 },
  end: { marginLeft: "auto" },
});

type Tone = "good" | "watch" | "wait" | "bad" | null;

/** The phase in words, and its tone. */
export function phaseText(state: ConsoleState): readonly [string, Tone] {
  const { phase } = state;
  switch (phase.is) {
    case "idle":
      return ["Not connected", null];
    case "connecting":
      return ["Connecting …", "wait"];
    case "open":
      if (phase.role === "writer") return ["Connected: you are typing", "good"];
      return [phase.holder === null ? "Watching: nobody has the seat" : `Watching: ${phase.holder} is typing`, "watch"];
    case "lost":
      return ["Connection lost", "wait"];
    case "taken":
      return [`Disconnected: ${phase.by || "somebody"} took the seat`, "bad"];
    case "ended":
      return ["Disconnected", "bad"];
    case "blocked":
      return ["Not connected", "bad"];
  }
}

export function StateLine({ state, size, onRetry }: { readonly state: ConsoleState; readonly size: string; readonly onRetry: () => void }) {
  const styles = useStyles();
  const { phase } = state;
  const [text, tone] = phaseText(state);
  return (
    <div className={styles.line}>
      <span className={styles.main} role="status" data-phase={phase.is} data-role={phase.is === "open" ? phase.role : undefined}>
        <span className={mergeClasses(styles.dot, tone !== null && styles[tone])} aria-hidden="true" />
        {text}
      </span>
      {phase.is === "lost" && <Retry at={phase.retryAt} why={phase.why} onRetry={onRetry} />}
      {state.guest !== null && state.guest !== "running" && <span>Machine: {state.guest}</span>}
      {state.refused !== null && (
        <span className={styles.warn} role="status">
          Not delivered: {refusalText(state.refused.reason)} ({state.refused.bytes} {state.refused.bytes === 1 ? "byte" : "bytes"})
        </span>
      )}
      {(state.missedBytes > 0 || state.missedUnknown) && (
        <span className={styles.warn} role="status">
          {state.missedBytes > 0 ? `${state.missedBytes.toLocaleString()} bytes not shown here` : "Bytes missing"}
          {state.missedUnknown && state.missedBytes > 0 && ", and an unknown number more"}
          {state.lastGapReason !== null && `: ${gapText(state.lastGapReason)}`}
        </span>
      )}
      <span className={styles.end}>{size}</span>
    </div>
  );
}

function Retry({ at, why, onRetry }: { readonly at: number; readonly why: string; readonly onRetry: () => void }) {
  const now = useNow();
  return (
    <>
      <span>
        {why} Next try in {ago(Math.max(0, at - now))}.
      </span>
      <Button size="small" onClick={onRetry}>
        Reconnect now
      </Button>
    </>
  );
}
