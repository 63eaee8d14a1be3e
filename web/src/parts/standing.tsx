// How grave an alert is, how it stands, and whether a rule runs: a shape and a word each, never a colour alone.

import { makeStyles, mergeClasses, tokens } from "@fluentui/react-components";
import {
  CheckmarkCircleFilled, CheckmarkCircleRegular, EyeRegular, PauseCircleRegular, ProhibitedRegular, RecordRegular,
} from "@fluentui/react-icons";
import type { ReactNode } from "react";

const useStyles = makeStyles({
  mark: { display: "inline-flex", alignItems: "center", verticalAlign: "middle", gap: "6px", whiteSpace: "nowrap", "& svg": { flexShrink: 0 } },
  good: { "& svg": { color: tokens.colorPaletteGreenForeground1 } },
  busy: { "& svg": { color: tokens.colorBrandForeground1 } },
  off: { "& svg": { color: tokens.colorNeutralForeground3 } },
  warn: { "& svg": { color: tokens.colorPaletteDarkOrangeForeground1 } },
  bad: { "& svg": { color: tokens.colorPaletteRedForeground1 } },
});

type Tone = "good" | "busy" | "off" | "warn" | "bad";

const GRAVITY: Readonly<Record<string, readonly [string, number, Tone]>> = {
  low: ["Low", 1, "off"],
  medium: ["Medium", 2, "warn"],
  high: ["High", 3, "bad"],
  critical: ["Critical", 4, "bad"],
};

/** The word for a severity. */
export function severityWord(severity: string | undefined): string {
  return GRAVITY[severity ?? ""]?.[0] ?? severity ?? "-";
}

/** How grave, for sorting: 0 for what is not known. */
export function severityRank(severity: string | undefined): number {
  return GRAVITY[severity ?? ""]?.[1] ?? 0;
}

/** Severity: one to four bars. */
export function Severity({ severity }: { readonly severity: string | undefined }) {
  const styles = useStyles();
  const [word, bars, tone] = GRAVITY[severity ?? ""] ?? [severity ?? "-", 0, "off" as const];
  return (
    <span className={mergeClasses(styles.mark, styles[tone])} data-severity={severity}>
      <svg viewBox="0 0 16 16" width="14" height="14" aria-hidden="true">
        {[0, 1, 2, 3].map((n) => (
          <rect key={n} x={n * 4} y={11 - n * 3} width="3" height={5 + n * 3} rx="0.5" fill="currentColor" opacity={n < bars ? 1 : 0.22} />
        ))}
      </svg>
      {word}
    </span>
  );
}

const STANDING: Readonly<Record<string, readonly [string, Tone, ReactNode]>> = {
  open: ["Open", "bad", <RecordRegular key="i" />],
  acknowledged: ["Acknowledged", "busy", <EyeRegular key="i" />],
  closed: ["Closed", "off", <CheckmarkCircleRegular key="i" />],
  running: ["Running", "good", <CheckmarkCircleFilled key="i" />],
  disabled: ["Disabled", "off", <PauseCircleRegular key="i" />],
  unsupported: ["Unsupported", "warn", <ProhibitedRegular key="i" />],
};

/** The word for how an alert or a rule stands. */
export function standingWord(state: string | undefined): string {
  return STANDING[state ?? ""]?.[0] ?? state ?? "-";
}

/** How an alert or a rule stands. */
export function Standing({ state }: { readonly state: string | undefined }) {
  const styles = useStyles();
  const known = STANDING[state ?? ""];
  if (known === undefined) return <>{state ?? "-"}</>;
  const [word, tone, icon] = known;
  return (
    <span className={mergeClasses(styles.mark, styles[tone])} data-state={state}>
      {icon}
      {word}
    </span>
  );
}
