// Tries a rule on the past: how many alerts it would have raised, when, and which.

import { Button, makeStyles, MessageBar, MessageBarBody, Spinner, tokens } from "@fluentui/react-components";
import { PlayRegular } from "@fluentui/react-icons";
import { Fragment, useMemo, useState } from "react";
import type { Trial } from "../api/detection";
import { useTrial } from "../api/detection-queries";
import { Bars } from "../parts/bars";
import { bucketsOf } from "../parts/buckets";
import { Choice } from "../parts/choice";
import { Card } from "../parts/facts";
import { Problem } from "../parts/problem";
import { useTableStyles } from "../parts/table";
import { Time } from "../parts/time";
import { Where } from "./alerts";

const useStyles = makeStyles({
  ask: { display: "flex", gap: "8px", alignItems: "center", flexWrap: "wrap" },
  result: { display: "flex", flexDirection: "column", gap: "12px", marginTop: "12px" },
  said: { margin: 0, fontSize: "13px" },
  dim: { color: tokens.colorNeutralForeground2, fontSize: "12px" },
  reason: { color: tokens.colorNeutralForeground2, whiteSpace: "normal !important" as "normal", height: "auto !important", padding: "0 12px 8px !important", borderTop: "none !important", overflowWrap: "anywhere" },
  cut: { maxWidth: "180px", overflow: "hidden", textOverflow: "ellipsis" },
});

const DAYS: readonly (readonly [string, string])[] = [["1", "last day"], ["7", "last 7 days"], ["30", "last 30 days"]];

/** What is tried: a rule as it is kept, or a text. */
export type Tried = { readonly rule: string } | { readonly source: string };

export function RuleTrial({ subscription, what, off }: { readonly subscription: string; readonly what: Tried; readonly off?: string | undefined }) {
  const styles = useStyles();
  const [days, setDays] = useState(7);
  const trial = useTrial(subscription);
  const tried = trial.variables;
  // The text has changed since.
  const old = tried !== undefined && "source" in what && !("source" in tried && tried.source === what.source);
  return (
    <Card title="Try it on the past">
      <div className={styles.ask}>
        <Choice label="Over the" value={String(days)} options={DAYS} onChoose={(value) => setDays(Number(value))} />
        <Button size="small" icon={<PlayRegular />} disabledFocusable={trial.isPending || off !== undefined} title={off} onClick={() => trial.mutate({ ...what, days })}>
          Try
        </Button>
        {trial.isPending && <Spinner size="extra-tiny" label="Looking through the events" labelPosition="after" />}
      </div>
      <div className={styles.result} style={trial.isIdle || trial.isPending ? { display: "none" } : undefined}>
        {trial.isError && <Problem error={trial.error} />}
        {trial.isSuccess && (
          <>
            {old && <span className={styles.dim}>For the text as it was when it was tried.</span>}
            <Result trial={trial.data} />
          </>
        )}
      </div>
    </Card>
  );
}

function Result({ trial }: { readonly trial: Trial }) {
  const styles = useStyles();
  const table = useTableStyles();
  const buckets = useMemo(() => bucketsOf(trial), [trial]);
  const n = (count: number | undefined): string => (count ?? 0).toLocaleString();
  const alerts = trial.alerts ?? 0;
  const samples = trial.samples ?? [];
  return (
    <>
      <p className={styles.said} role="status">
        <strong>
          {n(alerts)} {alerts === 1 ? "alert" : "alerts"}
        </strong>{" "}
        from {n(trial.matched)} matching of {n(trial.events)} events, <Time at={trial.from} /> to <Time at={trial.to} />.
      </p>
      {(trial.warnings ?? []).map((warning) => (
        <MessageBar key={warning} intent="warning" layout="multiline">
          <MessageBarBody>{warning}</MessageBarBody>
        </MessageBar>
      ))}
      {alerts > 0 && <Bars buckets={buckets} seconds={trial.bucketSeconds ?? 0} what="alerts" />}
      {samples.length > 0 && (
        <div className={table.scroll} tabIndex={0} role="region" aria-label="Samples of the alerts">
          <table className={table.table}>
            <thead>
              <tr>
                <th scope="col">Happened</th>
                <th scope="col">Who</th>
                <th scope="col">Where</th>
              </tr>
            </thead>
            <tbody>
              {samples.map((sample, i) => (
                <Fragment key={i}>
                  <tr>
                    <td>
                      <Time at={sample.originalTime ?? sample.time} />
                    </td>
                    <td className={styles.cut} title={sample.principal}>
                      {sample.principal ?? "-"}
                    </td>
                    <td>
                      <Where resource={sample.resource} />
                    </td>
                  </tr>
                  <tr>
                    <td colSpan={3} className={styles.reason}>
                      {sample.reason}
                    </td>
                  </tr>
                </Fragment>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {samples.length > 0 && samples.length < alerts && <span className={styles.dim}>The newest {samples.length} of them.</span>}
    </>
  );
}
