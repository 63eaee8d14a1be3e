// Loads rule files from the person's machine and says for each rule what became of it.

import {
  Button, Checkbox, Dialog, DialogActions, DialogBody, DialogContent, DialogSurface, DialogTitle, Field, makeStyles, mergeClasses, Select, Spinner, tokens,
} from "@fluentui/react-components";
import { ArrowUploadRegular, CheckmarkCircleFilled, DocumentMultipleRegular, ErrorCircleFilled, PauseCircleRegular, ProhibitedRegular } from "@fluentui/react-icons";
import { useRef, useState, type DragEvent, type ReactNode } from "react";
import { Link } from "react-router";
import { rulePage, type ImportedRule } from "../api/detection";
import { useRuleImport } from "../api/detection-queries";
import type { Subscription } from "../api/models";
import { Problem } from "../parts/problem";
import { useTableStyles } from "../parts/table";
import { filesOfDrop, readRuleFiles, type Picked } from "../api/rule-files";

const useStyles = makeStyles({
  surface: { maxWidth: "860px", width: "calc(100vw - 48px)" },
  content: { display: "flex", flexDirection: "column", gap: "12px" },
  drop: {
    display: "flex", flexDirection: "column", alignItems: "center", gap: "8px", padding: "24px", borderRadius: "6px", textAlign: "center",
    border: `2px dashed ${tokens.colorNeutralStroke1}`, background: tokens.colorNeutralBackground2,
    "& svg": { fontSize: "28px" },
  },
  over: { border: `2px dashed ${tokens.colorBrandStroke1}`, background: tokens.colorBrandBackground2 },
  buttons: { display: "flex", gap: "8px", "& svg": { fontSize: "20px" } },
  wrap: { "& td": { whiteSpace: "normal !important", overflowWrap: "anywhere", padding: "6px 12px !important", verticalAlign: "top" } },
  outcome: { display: "inline-flex", alignItems: "center", gap: "6px", whiteSpace: "nowrap" },
  good: { "& svg": { color: tokens.colorPaletteGreenForeground1 } },
  warn: { "& svg": { color: tokens.colorPaletteDarkOrangeForeground1 } },
  bad: { "& svg": { color: tokens.colorPaletteRedForeground1 } },
  off: { "& svg": { color: tokens.colorNeutralForeground3 } },
  report: { maxHeight: "46vh", overflowY: "auto" },
  dim: { color: tokens.colorNeutralForeground2, fontSize: "12px" },
});

const OUTCOMES: Readonly<Record<string, readonly [string, "good" | "warn" | "bad" | "off", ReactNode]>> = {
  running: ["Running", "good", <CheckmarkCircleFilled key="i" />],
  disabled: ["Disabled", "off", <PauseCircleRegular key="i" />],
  unsupported: ["Unsupported", "warn", <ProhibitedRegular key="i" />],
  broken: ["Broken", "bad", <ErrorCircleFilled key="i" />],
  duplicate: ["Duplicate", "off", <DocumentMultipleRegular key="i" />],
  leftOut: ["Left out", "off", <ProhibitedRegular key="i" />],
};

export function ImportDialog({ open, onClose, subscriptions }: { readonly open: boolean; readonly onClose: () => void; readonly subscriptions: readonly Subscription[] }) {
  const styles = useStyles();
  const [over, setOver] = useState(false);
  const [enabled, setEnabled] = useState(true);
  const [chosen, setChosen] = useState("");
  const [left, setLeft] = useState<Picked["left"]>([]);
  const files = useRef<HTMLInputElement>(null);
  const folder = useRef<HTMLInputElement>(null);
  const load = useRuleImport();
  const subscription = chosen || (subscriptions[0]?.subscriptionId ?? "");

  const take = async (list: readonly File[]): Promise<void> => {
    if (list.length === 0 || load.isPending) return;
    const picked = await readRuleFiles(list);
    setLeft(picked.left);
    load.mutate({ subscription, files: picked.files, enabled });
  };
  const drop = (event: DragEvent): void => {
    event.preventDefault();
    setOver(false);
    void filesOfDrop(event.dataTransfer).then(take);
  };
  const close = (): void => {
    if (load.isPending) return;
    load.reset();
    setLeft([]);
    onClose();
  };
  return (
    <Dialog open={open} onOpenChange={(_event, data) => !data.open && close()}>
      <DialogSurface className={styles.surface}>
        <DialogBody>
          <DialogTitle>Import rules</DialogTitle>
          <DialogContent className={styles.content}>
            {load.isSuccess ? (
              <Report rules={load.data} left={left} subscription={subscription} onClose={close} />
            ) : (
              <>
                {subscriptions.length > 1 && (
                  <Field label="Subscription">
                    <Select value={subscription} onChange={(_event, data) => setChosen(data.value)}>
                      {subscriptions.map((s) => (
                        <option key={s.subscriptionId} value={s.subscriptionId}>
                          {s.displayName ?? s.subscriptionId}
                        </option>
                      ))}
                    </Select>
                  </Field>
                )}
                <div
                  className={mergeClasses(styles.drop, over && styles.over)}
                  onDragOver={(event) => {
                    event.preventDefault();
                    setOver(true);
                  }}
                  onDragLeave={() => setOver(false)}
                  onDrop={drop}
                >
                  {load.isPending ? (
                    <Spinner label="Loading the rules" />
                  ) : (
                    <>
                      <ArrowUploadRegular aria-hidden />
                      <span>Drop rule files or a folder of them here: TOML as in a rule repository, or an NDJSON export.</span>
                      <span className={styles.buttons}>
                        <Button onClick={() => files.current?.click()}>Choose files</Button>
                        <Button onClick={() => folder.current?.click()}>Choose a folder</Button>
                      </span>
                    </>
                  )}
                  <input
                    ref={files} type="file" multiple hidden accept=".toml,.ndjson,.json" aria-label="Rule files" data-testid="rule-files"
                    onChange={(event) => {
                      void take([...(event.target.files ?? [])]);
                      event.target.value = "";
                    }}
                  />
                  <input
                    ref={(element) => {
                      folder.current = element;
                      element?.setAttribute("webkitdirectory", "");
                    }}
                    type="file" hidden aria-label="Folder of rule files"
                    onChange={(event) => {
                      void take([...(event.target.files ?? [])]);
                      event.target.value = "";
                    }}
                  />
                </div>
                <Checkbox label="Enable the rules that can run" checked={enabled} onChange={(_event, data) => setEnabled(data.checked === true)} />
                {load.isError && <Problem error={load.error} />}
              </>
            )}
          </DialogContent>
          <DialogActions>
            {load.isSuccess && <Button onClick={() => load.reset()}>Import more</Button>}
            <Button appearance={load.isSuccess ? "primary" : "secondary"} disabledFocusable={load.isPending} onClick={close}>
              {load.isSuccess ? "Done" : "Cancel"}
            </Button>
          </DialogActions>
        </DialogBody>
      </DialogSurface>
    </Dialog>
  );
}

function Report({ rules, left, subscription, onClose }: { readonly rules: readonly ImportedRule[]; readonly left: Picked["left"]; readonly subscription: string; readonly onClose: () => void }) {
  const styles = useStyles();
  const table = useTableStyles();
  const all: readonly ImportedRule[] = [...rules, ...left.map(({ name, why }) => ({ file: name, outcome: "leftOut", reason: why }))];
  const count = (outcome: string): number => all.filter((rule) => rule.outcome === outcome).length;
  const told = Object.entries(OUTCOMES).flatMap(([outcome, [word]]) => (count(outcome) === 0 ? [] : [`${count(outcome)} ${word.toLowerCase()}`]));
  return (
    <>
      <span role="status">{told.length === 0 ? "There were no rules in the files." : `${told.join(", ")}.`}</span>
      {all.length > 0 && (
        <div className={mergeClasses(table.scroll, styles.report)} tabIndex={0} role="region" aria-label="What became of each rule">
          <table className={mergeClasses(table.table, styles.wrap)}>
            <thead>
              <tr>
                <th scope="col">File</th>
                <th scope="col">Rule</th>
                <th scope="col">Outcome</th>
                <th scope="col">Why</th>
              </tr>
            </thead>
            <tbody>
              {all.map((rule, i) => {
                const [word, tone, icon] = OUTCOMES[rule.outcome ?? ""] ?? [rule.outcome ?? "-", "off" as const, null];
                const notes = [...(rule.findings ?? []), ...(rule.notes ?? [])];
                const name = rule.displayName ?? rule.ruleId ?? "-";
                const there = rule.outcome !== "broken" && rule.outcome !== "duplicate" && rule.ruleId;
                return (
                  <tr key={i}>
                    <td>{rule.file ?? "-"}</td>
                    <td>
                      {there ? (
                        <Link to={rulePage(subscription, there)} onClick={onClose}>
                          {name}
                        </Link>
                      ) : (
                        name
                      )}
                    </td>
                    <td>
                      <span className={mergeClasses(styles.outcome, styles[tone])}>
                        {icon}
                        {word}
                      </span>
                    </td>
                    <td>
                      {rule.reason}
                      {notes.map((note) => (
                        <div key={note} className={styles.dim}>
                          {note}
                        </div>
                      ))}
                    </td>
                  </tr>
                );
              })}
            </tbody>
          </table>
        </div>
      )}
    </>
  );
}
