// One look for every table: dense, with a head that stays.

import { makeStyles, tokens } from "@fluentui/react-components";

export const useTableStyles = makeStyles({
  scroll: { position: "relative", overflowX: "auto", border: `1px solid ${tokens.colorNeutralStroke2}`, borderRadius: "6px", background: tokens.colorNeutralBackground1 },
  table: {
    width: "100%", borderCollapse: "collapse", fontSize: "13px",
    "& th, & td": { textAlign: "left", padding: "0 12px", height: "34px", whiteSpace: "nowrap" },
    "& th": {
      position: "sticky", top: 0, zIndex: 1, fontWeight: 600, fontSize: "12px", color: tokens.colorNeutralForeground2,
      background: tokens.colorNeutralBackground2, borderBottom: `1px solid ${tokens.colorNeutralStroke2}`,
    },
    "& tbody tr + tr td": { borderTop: `1px solid ${tokens.colorNeutralStroke3}` },
    "& tbody tr:hover": { background: tokens.colorNeutralBackground3 },
    "& td a": { color: tokens.colorBrandForegroundLink, textDecoration: "none", fontWeight: 600, borderRadius: "3px" },
    "& td a:hover": { textDecoration: "underline" },
    "& td a:focus-visible": { outline: `2px solid ${tokens.colorStrokeFocus2}` },
  },
  /** For those who cannot see the table. */
  hidden: { position: "absolute", width: "1px", height: "1px", overflow: "hidden", clipPath: "inset(50%)", whiteSpace: "nowrap" },
  sort: {
    appearance: "none", background: "none", border: "none", font: "inherit", color: "inherit", cursor: "pointer", display: "inline-flex", gap: "4px", alignItems: "center", height: "100%", borderRadius: "3px", padding: "0 2px",
    ":focus-visible": { outline: `2px solid ${tokens.colorStrokeFocus2}` },
  },
});
