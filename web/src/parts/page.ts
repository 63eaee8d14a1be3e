// One look for the pages about one alert or one rule: a head that stays, and two columns where there is room.

import { makeStyles, tokens } from "@fluentui/react-components";

export const usePageStyles = makeStyles({
  page: { display: "flex", flexDirection: "column", flexGrow: 1, minHeight: 0 },
  head: {
    display: "flex", alignItems: "center", gap: "6px 16px", minHeight: "44px", padding: "6px 12px 6px 20px", flexShrink: 0, flexWrap: "wrap",
    background: tokens.colorNeutralBackground1, borderBottom: `1px solid ${tokens.colorNeutralStroke2}`, fontSize: "13px",
    "& > a": { color: tokens.colorBrandForegroundLink, borderRadius: "3px" },
    "& > a:focus-visible": { outline: `2px solid ${tokens.colorStrokeFocus2}` },
  },
  title: { fontSize: "18px", fontWeight: 600, margin: 0, overflowWrap: "anywhere" },
  actions: { marginLeft: "auto", display: "flex", gap: "4px", flexWrap: "wrap", alignItems: "center" },
  /** What is to be said about the whole page. */
  notes: { padding: "8px 20px 0", display: "flex", flexDirection: "column", gap: "8px", ":empty": { display: "none" } },
  scroll: { flexGrow: 1, minHeight: 0, overflow: "auto" },
  body: {
    display: "grid", gridTemplateColumns: "minmax(0, 1fr) minmax(300px, 400px)", gap: "16px", padding: "16px 20px 24px", alignItems: "start",
    "@media (max-width: 1050px)": { gridTemplateColumns: "minmax(0, 1fr)" },
  },
  column: { display: "flex", flexDirection: "column", gap: "16px", minWidth: 0 },
  lead: { margin: 0, fontSize: "14px", lineHeight: 1.45, overflowWrap: "anywhere" },
  /** Said in place of something that is not there. */
  none: { margin: 0, fontSize: "13px", color: tokens.colorNeutralForeground2 },
  dim: { color: tokens.colorNeutralForeground2 },
  bad: { color: tokens.colorPaletteRedForeground1, fontWeight: 600 },
  list: { margin: 0, paddingLeft: "18px", fontSize: "13px", "& li": { margin: "2px 0" } },
  code: {
    fontFamily: tokens.fontFamilyMonospace, fontSize: "12px", lineHeight: 1.5, margin: 0, padding: "10px 12px", borderRadius: "4px", overflow: "auto",
    background: tokens.colorNeutralBackground3, whiteSpace: "pre-wrap", overflowWrap: "anywhere",
    ":focus-visible": { outline: `2px solid ${tokens.colorStrokeFocus2}` },
  },
  fold: {
    fontSize: "13px",
    "& > summary": { cursor: "pointer", fontWeight: 600, width: "fit-content", borderRadius: "3px", padding: "2px 4px" },
    "& > summary:focus-visible": { outline: `2px solid ${tokens.colorStrokeFocus2}` },
  },
});
