// The exceptions of a rule: what it is not to be told about, in words; added and removed by who may change rules.

import { Button, makeStyles, tokens, Tooltip, useRestoreFocusTarget } from "@fluentui/react-components";
import { AddRegular, DeleteRegular } from "@fluentui/react-icons";
import { useRef, useState } from "react";
import type { Rule } from "../api/detection";
import { useExceptions, useMay } from "../api/detection-queries";
import { exceptionsOfText, exceptionText, NEW_EXCEPTION, type ExceptionItem } from "../api/exceptions";
import { operations } from "../api/operations";
import { useAsk } from "../parts/confirm";
import { Card } from "../parts/facts";
import { usePageStyles } from "../parts/page";
import { Time } from "../parts/time";
import { ExceptionDialog } from "./exception-dialog";
import { ExceptionProblem } from "./exception-problem";

const useStyles = makeStyles({
  list: { listStyle: "none", margin: "0 0 8px", padding: 0, fontSize: "13px", "& > li + li": { borderTop: `1px solid ${tokens.colorNeutralStroke3}` } },
  item: { display: "flex", alignItems: "flex-start", gap: "8px", padding: "6px 0" },
  said: { flexGrow: 1, minWidth: 0, overflowWrap: "anywhere" },
  conditions: { margin: "2px 0 0", padding: 0, listStyle: "none", "& > li + li::before": { content: "'and '", color: tokens.colorNeutralForeground2 } },
  added: { display: "flex", marginTop: "8px" },
});

export function RuleExceptions({ rule, subscription }: { readonly rule: Rule; readonly subscription: string }) {
  const page = usePageStyles();
  const styles = useStyles();
  const ask = useAsk();
  const may = useMay(subscription, operations.DetectionRulePatch);
  const change = useExceptions();
  const back = useRestoreFocusTarget();
  const add = useRef<HTMLDivElement>(null);
  const [adding, setAdding] = useState(false);
  const p = rule.properties ?? {};
  const set = p.exceptions ?? [];
  const stated = exceptionsOfText(p);
  const remove = async (item: ExceptionItem): Promise<void> => {
    const title = `Remove the exception ${item.name ?? ""}?`;
    if (await ask({ title, body: "What it leaves out is an alert again from the next run on.", action: "Remove", danger: true })) {
      // The button that was pressed goes away with its exception.
      change.mutate({ rule, exceptions: set.filter((one) => one !== item) }, { onSuccess: () => add.current?.querySelector("button")?.focus() });
    }
  };
  return (
    <Card title="Exceptions">
      {set.length + stated.length === 0 && <p className={page.none}>None: every match is an alert.</p>}
      {set.length + stated.length > 0 && (
        <ul className={styles.list} aria-label="Exceptions of the rule">
          {stated.map((item, i) => (
            <Exception key={`text ${i}`} item={item} where="in the rule's text" />
          ))}
          {set.map((item, i) => (
            <Exception key={item.item_id ?? i} item={item} onRemove={may ? () => void remove(item) : undefined} busy={change.isPending} />
          ))}
        </ul>
      )}
      {change.isError && <ExceptionProblem error={change.error} what="removed" />}
      {may && (
        <div className={styles.added} ref={add}>
          <Button {...back} size="small" icon={<AddRegular />} onClick={() => setAdding(true)}>
            Add an exception
          </Button>
        </div>
      )}
      <ExceptionDialog rule={rule} first={NEW_EXCEPTION} open={adding} onClose={() => setAdding(false)} />
    </Card>
  );
}

function Exception({
  item, where, busy = false, onRemove,
}: {
  readonly item: ExceptionItem;
  /** Where it stands when it cannot be removed here. */
  readonly where?: string;
  readonly busy?: boolean;
  readonly onRemove?: (() => void) | undefined;
}) {
  const page = usePageStyles();
  const styles = useStyles();
  const name = item.name === undefined || item.name === "" ? "Unnamed" : item.name;
  const over = item.expire_time !== undefined && Date.parse(item.expire_time) <= Date.now();
  return (
    <li className={styles.item}>
      <div className={styles.said}>
        <strong>{name}</strong>{" "}
        {item.expire_time !== undefined && (
          <span className={page.dim}>
            {over ? "ended" : "until"} <Time at={item.expire_time} />
          </span>
        )}
        {where !== undefined && <span className={page.dim}>({where})</span>}
        <ul className={styles.conditions}>
          {(item.entries ?? []).map((entry, i) => (
            <li key={i}>{exceptionText(entry)}</li>
          ))}
        </ul>
        {item.description !== undefined && item.description !== "" && <div className={page.dim}>{item.description}</div>}
      </div>
      {onRemove !== undefined && (
        <Tooltip content={`Remove the exception ${name}`} relationship="label">
          <Button appearance="subtle" size="small" icon={<DeleteRegular />} disabledFocusable={busy} onClick={onRemove} />
        </Tooltip>
      )}
    </li>
  );
}
