// Names and values beside each other, as every page about one thing begins.

import { Button, makeStyles, tokens, Tooltip } from "@fluentui/react-components";
import { CheckmarkRegular, CopyRegular } from "@fluentui/react-icons";
import { useState, type ReactNode } from "react";
import { usePageStyles } from "./page";

const useStyles = makeStyles({
  card: { background: tokens.colorNeutralBackground1, border: `1px solid ${tokens.colorNeutralStroke2}`, borderRadius: "6px", padding: "12px 18px" },
  title: { fontSize: "15px", fontWeight: 600, margin: "0 0 8px" },
  facts: {
    display: "grid", gridTemplateColumns: "repeat(auto-fit, minmax(min(100%, 360px), 1fr))", columnGap: "32px", margin: 0,
    "& > div": { display: "grid", gridTemplateColumns: "128px minmax(0, 1fr)", minHeight: "28px", alignItems: "center", fontSize: "13px" },
    "& dt": { color: tokens.colorNeutralForeground2 },
    "& dd": { margin: 0, display: "flex", alignItems: "center", gap: "6px", flexWrap: "wrap", overflowWrap: "anywhere", padding: "3px 0" },
    "& a": { color: tokens.colorBrandForegroundLink, textDecoration: "none", borderRadius: "3px" },
    "& a:hover": { textDecoration: "underline" },
    "& a:focus-visible": { outline: `2px solid ${tokens.colorStrokeFocus2}` },
  },
  id: { fontFamily: tokens.fontFamilyMonospace, fontSize: "12px", wordBreak: "break-all" },
  copyable: { display: "inline-flex", alignItems: "center", gap: "4px", minWidth: 0 },
});

/** A part of a page in a frame, with its title or only a name for it. */
export function Card({ title, label, children }: { readonly title?: string; readonly label?: string; readonly children: ReactNode }) {
  const styles = useStyles();
  return (
    <section className={styles.card} aria-label={title ?? label}>
      {title !== undefined && <h2 className={styles.title}>{title}</h2>}
      {children}
    </section>
  );
}

/** A part of a page that is closed at first, and is made only when somebody opens it: it may be long. */
export function Fold({ title, children }: { readonly title: string; readonly children: () => ReactNode }) {
  const page = usePageStyles();
  const [open, setOpen] = useState(false);
  return (
    <Card label={title}>
      <details className={page.fold} onToggle={(event) => setOpen(event.currentTarget.open)}>
        <summary>{title}</summary>
        {open && children()}
      </details>
    </Card>
  );
}

export function Facts({ children }: { readonly children: ReactNode }) {
  return <dl className={useStyles().facts}>{children}</dl>;
}

/** One of the facts; a `wide` one has a row of its own. */
export function Fact({ name, wide = false, children }: { readonly name: string; readonly wide?: boolean; readonly children: ReactNode }) {
  return (
    <div style={wide ? { gridColumn: "1 / -1" } : undefined}>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

/** An id with a button that copies it. */
export function Copyable({ what, text }: { readonly what: string; readonly text: string }) {
  const styles = useStyles();
  if (text === "") return <>-</>;
  return (
    <span className={styles.copyable}>
      <span className={styles.id}>{text}</span>
      <CopyButton what={what} text={text} />
    </span>
  );
}

/** Puts a text into the clipboard. */
export function CopyButton({ what, text }: { readonly what: string; readonly text: string }) {
  const [copied, setCopied] = useState(false);
  const copy = (): void => {
    void navigator.clipboard.writeText(text).then(() => {
      setCopied(true);
      setTimeout(() => setCopied(false), 1500);
    });
  };
  return (
    <Tooltip content={copied ? "Copied" : `Copy the ${what}`} relationship="label">
      <Button appearance="subtle" size="small" icon={copied ? <CheckmarkRegular /> : <CopyRegular />} onClick={copy} />
    </Tooltip>
  );
}
