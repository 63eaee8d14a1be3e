// One alert: what happened, who did it, what else they did, what to do about it.

import { Button, makeStyles, mergeClasses, Spinner } from "@fluentui/react-components";
import { ArrowUndoRegular, CheckmarkRegular, EyeRegular } from "@fluentui/react-icons";
import { useMemo, useState } from "react";
import { Link, useParams } from "react-router";
import { fieldOf, rulePage, valueText, type Alert, type StatusChange } from "../api/detection";
import { useActionsAround, useAlert, useRule } from "../api/detection-queries";
import { Card, Copyable, CopyButton, Fact, Facts, Fold } from "../parts/facts";
import { GuideCards } from "../parts/guide-cards";
import { One } from "../parts/one";
import { usePageStyles } from "../parts/page";
import { Problem, Stale } from "../parts/problem";
import { Severity, Standing } from "../parts/standing";
import { useTableStyles } from "../parts/table";
import { Time } from "../parts/time";
import { ActivityTable, latestOfEach } from "./activity-table";
import { AlertResponse } from "./alert-response";
import { statusVerb, useStatusDialog } from "./alert-status";
import { Where } from "./alerts";

const useStyles = makeStyles({
  fields: { "& td": { whiteSpace: "normal !important", height: "auto", padding: "6px 12px !important", overflowWrap: "anywhere" }, "& td:first-child": { width: "45%" } },
  said: { marginBottom: "8px", "::first-letter": { textTransform: "uppercase" } },
  history: { listStyle: "none", margin: 0, padding: 0, fontSize: "13px", display: "flex", flexDirection: "column", gap: "8px" },
  change: { display: "grid", gridTemplateColumns: "128px minmax(0, 1fr)", gap: "0 4px", alignItems: "baseline" },
  reason: { margin: "2px 0 0", whiteSpace: "pre-wrap", overflowWrap: "anywhere" },
  document: { maxHeight: "520px", marginTop: "8px" },
});

export function AlertPage() {
  const { subscription = "", id = "" } = useParams();
  const query = useAlert(subscription, id);
  return (
    <One query={query} kind="alert" name={query.data?.properties?.ruleName} all="/alerts">
      {(alert) => <About alert={alert} subscription={subscription} stale={query.error} />}
    </One>
  );
}

function About({ alert, subscription, stale }: { readonly alert: Alert; readonly subscription: string; readonly stale: unknown }) {
  const page = usePageStyles();
  const styles = useStyles();
  const { ask, dialog } = useStatusDialog();
  const p = alert.properties ?? {};
  const status = p.status ?? "open";
  return (
    <div className={page.page}>
      <div className={page.head}>
        <Severity severity={p.severity} />
        <h1 className={page.title}>{p.ruleName ?? p.rule ?? alert.name}</h1>
        <span role="status" aria-label="Status">
          <Standing state={status} />
        </span>
        <div className={page.actions} role="group" aria-label="Status of the alert">
          {status === "open" && (
            <Button size="small" appearance="primary" icon={<EyeRegular />} onClick={() => ask([alert], "acknowledged")}>
              {statusVerb("acknowledged")}
            </Button>
          )}
          {status !== "closed" && (
            <Button size="small" icon={<CheckmarkRegular />} onClick={() => ask([alert], "closed")}>
              {statusVerb("closed")}
            </Button>
          )}
          {status !== "open" && (
            <Button size="small" icon={<ArrowUndoRegular />} onClick={() => ask([alert], "open")}>
              {statusVerb("open")}
            </Button>
          )}
        </div>
      </div>
      <div className={page.scroll}>
        <div className={page.notes}>
          <Stale error={stale} />
        </div>
        <div className={page.body}>
          <div className={page.column}>
            <Card label="What happened">
              <p className={mergeClasses(page.lead, styles.said)}>
                {p.reason}
              </p>
              <Facts>
                <Fact name="Happened">
                  <Time at={p.originalTime} />
                </Fact>
                <Fact name="Found">
                  <Time at={p.time} />
                </Fact>
                <Fact name="Who">{p.principal ?? "-"}</Fact>
                <Fact name="From">{p.sourceAddress ?? "-"}</Fact>
                <Fact name="Where">
                  <Where resource={p.resource} />
                </Fact>
                <Fact name="Risk score">{p.riskScore ?? "-"}</Fact>
                <Fact name="Rule">{p.rule === undefined ? "-" : <Link to={rulePage(subscription, p.rule)}>{p.ruleName ?? p.rule}</Link>}</Fact>
                <Fact name="Operation" wide>
                  {p.operation ?? "-"}
                </Fact>
                <Fact name="Identity" wide>
                  <Copyable what="object id of the identity" text={p.principalId ?? ""} />
                </Fact>
                <Fact name="Resource" wide>
                  <Copyable what="resource id" text={p.resource ?? ""} />
                </Fact>
                <Fact name="Correlation id" wide>
                  <Copyable what="correlation id" text={p.correlationId ?? ""} />
                </Fact>
              </Facts>
            </Card>
            <AlertResponse alert={alert} subscription={subscription} />
            <Investigation alert={alert} />
            <Actions alert={alert} subscription={subscription} />
            <History history={p.history ?? []} />
            <Document document={p.document} />
          </div>
          <GuideOf alert={alert} subscription={subscription} />
        </div>
      </div>
      {dialog}
    </div>
  );
}

/** The fields that the rule's author found worth a look. */
function Investigation({ alert }: { readonly alert: Alert }) {
  const styles = useStyles();
  const table = useTableStyles();
  const fields = alert.properties?.fields ?? [];
  if (fields.length === 0) return null;
  return (
    <Card title="To look at">
      <div className={table.scroll}>
        <table className={mergeClasses(table.table, styles.fields)}>
          <thead>
            <tr>
              <th scope="col">Field</th>
              <th scope="col">Value</th>
            </tr>
          </thead>
          <tbody>
            {fields.map(({ name, value }) => (
              <tr key={name}>
                <td>
                  <code>{name}</code>
                </td>
                <td>{valueText(value)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </Card>
  );
}

const SHOWN = 15;

/** What the identity did an hour before and after. */
function Actions({ alert, subscription }: { readonly alert: Alert; readonly subscription: string }) {
  const page = usePageStyles();
  const table = useTableStyles();
  const { principal = "", originalTime = "", correlationId } = alert.properties ?? {};
  const query = useActionsAround(subscription, principal, originalTime);
  const [all, setAll] = useState(false);
  const events = useMemo(() => latestOfEach(query.data ?? []), [query.data]);
  if (principal === "" || originalTime === "") return null;
  const shown = all ? events : events.slice(0, SHOWN);
  return (
    <Card title={`What ${principal} did an hour before and after`}>
      {query.data === undefined && query.error !== null ? (
        <Problem error={query.error} onRetry={() => void query.refetch()} />
      ) : query.data === undefined ? (
        <Spinner size="tiny" label="Asking for the activity log" labelPosition="after" style={{ justifyContent: "start" }} />
      ) : events.length === 0 ? (
        <p className={page.none}>
          The activity log holds nothing else.
        </p>
      ) : (
        <>
          <div className={table.scroll} tabIndex={0} role="region" aria-label={`Actions of ${principal}`}>
            <ActivityTable events={shown} caller meant={correlationId} />
          </div>
          {shown.length < events.length && (
            <Button size="small" appearance="subtle" onClick={() => setAll(true)}>
              Show all {events.length}
            </Button>
          )}
        </>
      )}
    </Card>
  );
}

function History({ history }: { readonly history: readonly StatusChange[] }) {
  const page = usePageStyles();
  const styles = useStyles();
  return (
    <Card title="History">
      {history.length === 0 ? (
        <p className={page.none}>
          Nobody has looked at it yet.
        </p>
      ) : (
        <ol className={styles.history}>
          {history.map((change, i) => (
            <li key={i} className={styles.change}>
              <Standing state={change.status} />
              <span>
                <span className={page.dim}>
                  <Time at={change.at} /> by {change.by ?? "-"}
                </span>
                {change.reason !== undefined && change.reason !== "" && <p className={styles.reason}>{change.reason}</p>}
              </span>
            </li>
          ))}
        </ol>
      )}
    </Card>
  );
}

function Document({ document: value }: { readonly document: unknown }) {
  if (value === undefined) return null;
  return <Fold title="Document">{() => <AsJson value={value} />}</Fold>;
}

function AsJson({ value }: { readonly value: unknown }) {
  const page = usePageStyles();
  const styles = useStyles();
  const text = useMemo(() => JSON.stringify(value, null, 2), [value]);
  return (
    <>
      <CopyButton what="document" text={text} />
      <pre className={mergeClasses(page.code, styles.document)} tabIndex={0} aria-label="The alert's document as JSON">
        {text}
      </pre>
    </>
  );
}

/** The guide of the alert's rule as it is now; that of the time of the alert when the rule is gone. */
function GuideOf({ alert, subscription }: { readonly alert: Alert; readonly subscription: string }) {
  const page = usePageStyles();
  const { rule = "", document: value } = alert.properties ?? {};
  const query = useRule(subscription, rule, false);
  const then = fieldOf(value, "kibana.alert.rule.note");
  const now = query.data?.properties;
  return (
    <div className={page.column}>
      <GuideCards guide={now?.guide ?? (typeof then === "string" ? then : undefined)} causes={now?.falsePositives} {...(query.isLoading && { otherwise: "…" })} />
    </div>
  );
}
