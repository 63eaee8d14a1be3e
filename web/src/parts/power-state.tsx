// A VM's power state: a shape and a word, never a colour alone.

import { makeStyles, mergeClasses, tokens } from "@fluentui/react-components";
import {
  ArrowSyncRegular, CheckmarkCircleFilled, CircleOffRegular, ErrorCircleFilled, QuestionCircleRegular, RecordStopRegular,
} from "@fluentui/react-icons";
import type { ReactNode } from "react";
import type { Power } from "../api/models";

const useStyles = makeStyles({
  state: { display: "inline-flex", alignItems: "center", gap: "6px", whiteSpace: "nowrap", "& svg": { flexShrink: 0 } },
  good: { "& svg": { color: tokens.colorPaletteGreenForeground1 } },
  busy: { "& svg": { color: tokens.colorBrandForeground1 } },
  off: { "& svg": { color: tokens.colorNeutralForeground3 } },
  bad: { "& svg": { color: tokens.colorPaletteRedForeground1 } },
});

const LOOK: Readonly<Record<Power, readonly [string, "good" | "busy" | "off" | "bad", ReactNode]>> = {
  running: ["Running", "good", <CheckmarkCircleFilled key="i" />],
  starting: ["Starting", "busy", <ArrowSyncRegular key="i" />],
  stopping: ["Stopping", "busy", <ArrowSyncRegular key="i" />],
  stopped: ["Stopped", "off", <RecordStopRegular key="i" />],
  deallocating: ["Deallocating", "busy", <ArrowSyncRegular key="i" />],
  deallocated: ["Stopped (deallocated)", "off", <CircleOffRegular key="i" />],
  failed: ["Failed", "bad", <ErrorCircleFilled key="i" />],
  unknown: ["Unknown", "off", <QuestionCircleRegular key="i" />],
};

/** The word for `power`. */
export function powerWord(power: Power): string {
  return LOOK[power][0];
}

export function PowerState({ power }: { readonly power: Power }) {
  const styles = useStyles();
  const [word, tone, icon] = LOOK[power];
  return (
    <span className={mergeClasses(styles.state, styles[tone])} data-power={power}>
      {icon}
      {word}
    </span>
  );
}
