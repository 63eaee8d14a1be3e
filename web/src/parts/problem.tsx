// How the portal says that something did not work: what, why, and what to do.

import { Button, makeStyles, MessageBar, MessageBarActions, MessageBarBody, MessageBarTitle, tokens } from "@fluentui/react-components";
import type { ReactNode } from "react";
import { Link } from "react-router";
import { explain, type Explanation } from "../api/failure";

const useStyles = makeStyles({
  facts: {
    display: "grid", gridTemplateColumns: "max-content 1fr", columnGap: "12px", rowGap: "2px", margin: "6px 0 0",
    "& dt": { color: tokens.colorNeutralForeground2 },
    "& dd": { margin: 0, fontFamily: tokens.fontFamilyMonospace, fontSize: "12px", overflowWrap: "anywhere", alignSelf: "center" },
  },
  body: { whiteSpace: "normal", padding: "6px 0", overflowWrap: "anywhere" },
  actions: { display: "flex", columnGap: "8px", flexShrink: 0 },
  empty: { margin: "64px auto", maxWidth: "520px", textAlign: "center", padding: "0 24px", "& a": { color: tokens.colorBrandForegroundLink, borderRadius: "3px" } },
  picture: { fontSize: "40px", color: tokens.colorNeutralForeground3 },
});

/** A failed request. */
export function Problem({ error, onRetry, actions }: { readonly error: unknown; readonly onRetry?: () => void; readonly actions?: ReactNode }) {
  return (
    <Explained
      explanation={explain(error)}
      actions={
        <>
          {actions}
          {onRetry && <Button onClick={onRetry}>Try again</Button>}
        </>
      }
    />
  );
}

export function Explained({
  explanation, actions, intent = "error",
}: {
  readonly explanation: Explanation;
  readonly actions?: ReactNode;
  readonly intent?: "error" | "warning" | "info";
}) {
  const styles = useStyles();
  const { title, detail, action, scope, correlationId } = explanation;
  const facts = (action ?? correlationId) !== undefined;
  return (
    <MessageBar intent={intent} layout={facts ? "multiline" : "singleline"} politeness="assertive" style={{ flexShrink: 0 }}>
      <MessageBarBody className={styles.body}>
        <MessageBarTitle>{title}</MessageBarTitle> {detail}
        {facts && (
          <dl className={styles.facts}>
            {action !== undefined && (
              <>
                <dt>Action</dt>
                <dd>{action}</dd>
                <dt>Scope</dt>
                <dd>{scope}</dd>
              </>
            )}
            {correlationId !== undefined && (
              <>
                <dt>Correlation id</dt>
                <dd>{correlationId}</dd>
              </>
            )}
          </dl>
        )}
      </MessageBarBody>
      {actions !== undefined && <MessageBarActions className={styles.actions}>{actions}</MessageBarActions>}
    </MessageBar>
  );
}

/** What is shown was true once, and the server could not be asked again; nothing while it can. */
export function Stale({ error }: { readonly error: unknown }) {
  if (error === null) return null;
  return <Explained intent="warning" explanation={{ ...explain(error), title: "What you see is no longer live" }} />;
}

/** Nothing to show, and what to do about it. */
export function Empty({ icon, title, children }: { readonly icon: ReactNode; readonly title: string; readonly children: ReactNode }) {
  const styles = useStyles();
  return (
    <div className={styles.empty}>
      <div className={styles.picture} aria-hidden="true">
        {icon}
      </div>
      <h2 style={{ fontSize: 18, margin: "8px 0" }}>{title}</h2>
      {children}
    </div>
  );
}

export function NotFound({ what }: { readonly what: string }) {
  return (
    <Empty icon="404" title={`This ${what} does not exist`}>
      <Link to="/vms">All virtual machines</Link>
    </Empty>
  );
}
