// Writes an exception for a rule: a name, conditions that hold together, and when it ends.

import {
  Button, Dialog, DialogActions, DialogBody, DialogContent, DialogSurface, DialogTitle, Field, Input, makeStyles, Select, Textarea, ToggleButton, tokens, Tooltip,
} from "@fluentui/react-components";
import { AddRegular, CheckmarkRegular, DismissRegular } from "@fluentui/react-icons";
import { useEffect, useId, useRef, useState, type FormEvent } from "react";
import type { Rule } from "../api/detection";
import { useExceptions } from "../api/detection-queries";
import {
  comparedAs, COMPARISONS, exceptionText, fieldsOffered, itemOf, lacksOf, NEW_ENTRY, offersOf, sameEntry, textOf, withOffer,
  type ComparisonName, type EntryDraft, type ExceptionDraft, type Lacks,
} from "../api/exceptions";
import { ExceptionProblem } from "./exception-problem";

/** Longest name and description, in UTF-16 code units. */
const LONGEST = 1000;

const useStyles = makeStyles({
  surface: { maxWidth: "760px" },
  content: { display: "flex", flexDirection: "column", gap: "12px" },
  offers: { display: "flex", flexWrap: "wrap", gap: "6px", alignItems: "center", fontSize: "13px" },
  offer: { maxWidth: "100%", minWidth: 0, fontWeight: "normal", "& .fui-Button__icon": { flexShrink: 0 } },
  offered: { overflow: "hidden", textOverflow: "ellipsis", whiteSpace: "nowrap", minWidth: 0 },
  entries: { border: "none", margin: 0, padding: 0, minWidth: 0, display: "flex", flexDirection: "column", gap: "8px", "& legend": { fontSize: "14px", padding: 0, marginBottom: "4px" } },
  entry: {
    display: "grid", gridTemplateColumns: "minmax(0, 1fr) 150px minmax(0, 1.2fr) 32px", gap: "4px 8px", alignItems: "start", padding: "2px 0 6px 12px",
    borderLeft: `3px solid ${tokens.colorNeutralStroke1}`,
    "@media (max-width: 620px)": { gridTemplateColumns: "minmax(0, 1fr) 32px", "& > :nth-child(-n + 3)": { gridColumn: 1 }, "& > :nth-child(4)": { gridColumn: 2, gridRow: 1 } },
  },
  away: { marginTop: "26px" },
  /** Controls have a width of their own, which must not be theirs here. */
  narrow: { minWidth: 0, gridTemplateColumns: "minmax(0, 1fr)" },
  words: {
    margin: 0, borderRadius: "4px", border: "8px solid transparent", fontSize: "13px", background: tokens.colorNeutralBackground3, overflowWrap: "anywhere",
    display: "-webkit-box", WebkitBoxOrient: "vertical", WebkitLineClamp: 6, overflow: "hidden", flexShrink: 0,
  },
  last: { display: "grid", gridTemplateColumns: "minmax(0, 1fr) 240px", gap: "12px", alignItems: "start", "@media (max-width: 620px)": { gridTemplateColumns: "minmax(0, 1fr)" } },
});

interface Asked {
  readonly rule: Rule;
  /** What the form begins with. */
  readonly first: ExceptionDraft;
  /** The document of the alert that it is made from. */
  readonly document?: unknown;
  readonly onClose: () => void;
  readonly onAdded?: ((name: string) => void) | undefined;
}

export function ExceptionDialog({ open, ...asked }: Asked & { readonly open: boolean }) {
  const styles = useStyles();
  return (
    // A click beside it must not cost what was written.
    <Dialog open={open} onOpenChange={(_event, data) => !data.open && data.type !== "backdropClick" && asked.onClose()}>
      <DialogSurface className={styles.surface}>
        <Form {...asked} />
      </DialogSurface>
    </Dialog>
  );
}

function Form({ rule, first, document: alert, onClose, onAdded }: Asked) {
  const styles = useStyles();
  const form = useRef<HTMLFormElement>(null);
  const [draft, setDraft] = useState(first);
  const [id] = useState(() => crypto.randomUUID());
  const [tries, setTries] = useState(0);
  const change = useExceptions();
  const missing = lacksOf(draft, Date.now());
  const lacks = tries === 0 ? null : missing;
  const offers = offersOf(alert);
  const meant = missing === null || missing.entries.every(({ field, value }) => field === undefined && value === undefined);
  useEffect(() => {
    if (tries > 0) form.current?.querySelector<HTMLElement>("[aria-invalid=true]")?.focus();
  }, [tries]);
  const problem = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (change.error !== null) problem.current?.scrollIntoView({ block: "nearest" });
  }, [change.error]);
  const put = (next: (before: ExceptionDraft) => ExceptionDraft): void => {
    setDraft(next);
    // It was about another text.
    if (change.isError) change.reset();
  };
  const write = (part: Partial<ExceptionDraft>): void => put((before) => ({ ...before, ...part }));
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    if (change.isPending) return;
    setTries((n) => n + 1);
    if (missing !== null) return;
    const item = itemOf(draft, id);
    change.mutate(
      { rule, exceptions: [...(rule.properties?.exceptions ?? []), item] },
      {
        onSuccess: () => {
          onAdded?.(item.name ?? "");
          onClose();
        },
      },
    );
  };
  return (
    <form ref={form} onSubmit={submit} noValidate>
      <DialogBody>
        <DialogTitle>Add an exception</DialogTitle>
        <DialogContent className={styles.content}>
          <span>
            The rule <strong>{rule.properties?.displayName ?? rule.name}</strong> makes no alert of an event that all conditions hold for.
          </span>
          {change.isError && (
            <div ref={problem}>
              <ExceptionProblem error={change.error} what="added" />
            </div>
          )}
          <Field label="Name" required {...wrong(lacks?.name)}>
            <Input value={draft.name} maxLength={LONGEST} autoFocus onChange={(_event, data) => write({ name: data.value })} />
          </Field>
          {offers.length > 0 && (
            <div className={styles.offers} role="group" aria-label="From the alert">
              From the alert:
              {offers.map((offer) => {
                const taken = draft.entries.some((entry) => sameEntry(entry, offer.entry));
                return (
                  <ToggleButton
                    key={offer.label}
                    size="small"
                    className={styles.offer}
                    checked={taken}
                    icon={taken ? <CheckmarkRegular /> : <AddRegular />}
                    title={exceptionText({ field: offer.entry.field, type: "match", value: offer.entry.value })}
                    onClick={() => put((before) => withOffer(before, offer, !taken))}
                  >
                    <span className={styles.offered}>
                      {offer.label}: {offer.entry.value}
                    </span>
                  </ToggleButton>
                );
              })}
            </div>
          )}
          <Conditions entries={draft.entries} lacks={lacks} fields={fieldsOffered(rule.properties, alert)} alert={alert} onChange={(entries) => write({ entries })} />
          {meant && <p className={styles.words}>No alert when {itemOf(draft, id).entries?.map(exceptionText).join(" and ")}.</p>}
          <div className={styles.last}>
            <Field label="Why" hint="For whoever reads it later.">
              <Textarea value={draft.description} maxLength={LONGEST} rows={2} onChange={(_event, data) => write({ description: data.value })} />
            </Field>
            <Field label="Until" hint="Your local time; empty for no end." {...wrong(lacks?.until)}>
              <Input type="datetime-local" value={draft.until} onChange={(_event, data) => write({ until: data.value })} />
            </Field>
          </div>
        </DialogContent>
        <DialogActions>
          <Button type="submit" appearance="primary" disabledFocusable={change.isPending}>
            {change.isPending ? "Adding …" : "Add"}
          </Button>
          <Button onClick={onClose}>Cancel</Button>
        </DialogActions>
      </DialogBody>
    </form>
  );
}

/** What a field says when it lacks something. */
function wrong(lack: string | undefined): { readonly validationMessage?: string; readonly validationState?: "error" } {
  return lack === undefined ? {} : { validationMessage: lack, validationState: "error" };
}

function Conditions({
  entries, lacks, fields, alert, onChange,
}: {
  readonly entries: readonly EntryDraft[];
  readonly lacks: Lacks | null;
  readonly fields: readonly string[];
  readonly alert: unknown;
  readonly onChange: (entries: readonly EntryDraft[]) => void;
}) {
  const styles = useStyles();
  const list = useId();
  const more = useRef<HTMLDivElement>(null);
  const remove = (at: number): void => {
    onChange(entries.filter((_entry, i) => i !== at));
    more.current?.querySelector("button")?.focus();
  };
  return (
    <fieldset className={styles.entries}>
      <legend>Conditions</legend>
      <datalist id={list}>
        {fields.map((field) => (
          <option key={field} value={field} />
        ))}
      </datalist>
      {entries.map((entry, i) => (
        <Condition
          key={i}
          number={i + 1}
          entry={entry}
          lacks={lacks?.entries[i]}
          fields={list}
          seen={textOf(alert, entry.field)}
          onChange={(changed) => onChange(entries.map((one, at) => (at === i ? changed : one)))}
          onRemove={entries.length > 1 ? () => remove(i) : undefined}
        />
      ))}
      <div ref={more}>
        <Button size="small" icon={<AddRegular />} onClick={() => onChange([...entries, NEW_ENTRY])}>
          Add a condition
        </Button>
      </div>
    </fieldset>
  );
}

function Condition({
  number, entry, lacks, fields, seen, onChange, onRemove,
}: {
  readonly number: number;
  readonly entry: EntryDraft;
  readonly lacks: Lacks["entries"][number] | undefined;
  /** The list of fields that are offered. */
  readonly fields: string;
  /** What the alert has in the field. */
  readonly seen: string | null;
  readonly onChange: (entry: EntryDraft) => void;
  readonly onRemove: (() => void) | undefined;
}) {
  const styles = useStyles();
  const values = useId();
  const { takes, type } = COMPARISONS[entry.comparison];
  const value = (text: string): void => onChange({ ...entry, value: text });
  return (
    <div className={styles.entry} role="group" aria-label={`Condition ${number}`}>
      <Field label="Field" className={styles.narrow} {...wrong(lacks?.field)}>
        <Input value={entry.field} list={fields} autoComplete="off" spellCheck={false} onChange={(_event, data) => onChange({ ...entry, field: data.value })} />
      </Field>
      <Field label="Comparison" className={styles.narrow}>
        <Select value={entry.comparison} onChange={(_event, data) => onChange(comparedAs(entry, data.value as ComparisonName))}>
          {Object.entries(COMPARISONS).map(([name, { word }]) => (
            <option key={name} value={name}>
              {word}
            </option>
          ))}
        </Select>
      </Field>
      {takes === "none" ? (
        <span />
      ) : takes === "many" ? (
        <Field label="Values" hint="One a line." className={styles.narrow} {...wrong(lacks?.value)}>
          <Textarea value={entry.value} rows={3} spellCheck={false} onChange={(_event, data) => value(data.value)} />
        </Field>
      ) : (
        <Field label="Value" className={styles.narrow} {...(type === "wildcard" && { hint: "* is any run of characters, ? is one." })} {...wrong(lacks?.value)}>
          <Input value={entry.value} list={seen === null ? undefined : values} autoComplete="off" spellCheck={false} onChange={(_event, data) => value(data.value)} />
        </Field>
      )}
      {onRemove !== undefined && (
        <Tooltip content={`Remove condition ${number}`} relationship="label">
          <Button className={styles.away} appearance="subtle" icon={<DismissRegular />} onClick={onRemove} />
        </Tooltip>
      )}
      {seen !== null && (
        <datalist id={values}>
          <option value={seen} />
        </datalist>
      )}
    </div>
  );
}
