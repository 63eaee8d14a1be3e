// The rules over the activity log: which run, which do not and why, when each ran last.

import { Button, makeStyles, Menu, MenuItem, MenuList, MenuPopover, MenuTrigger, mergeClasses, Switch, tokens } from "@fluentui/react-components";
import { AddRegular, ArrowUploadRegular, SearchRegular, ShieldTaskRegular, WarningFilled } from "@fluentui/react-icons";
import { useMemo, useState } from "react";
import { Link, useNavigate } from "react-router";
import { RULE_STATES, rulePage, type Rule, type RuleProperties } from "../api/detection";
import { useRules, useRuleSwitch } from "../api/detection-queries";
import type { Listed, Listing } from "../api/listing";
import type { Subscription } from "../api/models";
import { holdsWords, orderIn, useAddress } from "../parts/address";
import { Choice } from "../parts/choice";
import { FilterBox, ListPage, SortHead, useListStyles } from "../parts/list-page";
import { Empty, Problem } from "../parts/problem";
import { Severity, severityRank, severityWord, Standing, standingWord } from "../parts/standing";
import { useTableStyles } from "../parts/table";
import { Time } from "../parts/time";
import { ImportDialog } from "./rule-import";

const useStyles = makeStyles({
  name: { width: "100%", maxWidth: 0, minWidth: "260px", overflow: "hidden", textOverflow: "ellipsis", "@media (max-width: 800px)": { minWidth: "190px" } },
  why: { maxWidth: "240px", overflow: "hidden", textOverflow: "ellipsis", fontSize: "12px", color: tokens.colorNeutralForeground2, "@media (max-width: 800px)": { display: "none" } },
  warn: { color: tokens.colorPaletteDarkOrangeForeground1, verticalAlign: "-2px", marginLeft: "6px" },
  /** Left out where there is little room: the rule's page has it. */
  wide: { "@media (max-width: 800px)": { display: "none" } },
  number: { textAlign: "right !important" as "right", fontVariantNumeric: "tabular-nums" },
  switch: { "& .fui-Switch__indicator": { margin: "6px 4px" } },
});

interface Row {
  readonly rule: Rule;
  readonly subscription: Subscription;
  readonly path: string;
  readonly texts: Readonly<Record<Column, string>>;
}
type Column = "name" | "state" | "severity" | "type" | "last" | "subscription";
const COLUMNS: readonly (readonly [Column, string])[] = [
  ["name", "Rule"], ["state", "State"], ["severity", "Severity"], ["type", "Type"], ["subscription", "Subscription"], ["last", "Last run"],
];

/** A rule's type for people. */
export function typeText(p: RuleProperties | undefined): string {
  const words: Readonly<Record<string, string>> = { query: "Query", new_terms: "New terms", threshold: "Threshold", eql: "EQL", esql: "ES|QL", machine_learning: "Machine learning" };
  return words[p?.ruleType ?? ""] ?? p?.ruleType ?? "-";
}

/** What was not right with a rule's last run; null when all was. */
export function runTrouble(p: RuleProperties | undefined): string | null {
  const run = p?.lastRun;
  if (run === null || run === undefined) return null;
  const said = [run.error ?? "", ...(run.warnings ?? []), run.gap ? `Not looked at: ${run.gap.from ?? "?"} to ${run.gap.to ?? "?"}` : ""].filter(Boolean);
  return said.length === 0 ? null : said.join("\n");
}

function rowOf({ item, subscription }: Listed<Rule>): Row {
  const p = item.properties;
  return {
    rule: item,
    subscription,
    path: rulePage(subscription.subscriptionId, item.name),
    texts: {
      name: p?.displayName ?? item.name,
      state: standingWord(p?.state),
      severity: severityWord(p?.severity),
      type: typeText(p),
      last: p?.lastRun?.startedAt ?? "",
      subscription: subscription.displayName ?? subscription.subscriptionId,
    },
  };
}

/** The rows in `state` that hold every word of `filter`, in order. */
function arrange(rows: readonly Row[], filter: string, state: string, column: Column, down: boolean): Row[] {
  const holds = holdsWords(filter);
  const kept = rows.filter(({ rule, texts }) => {
    if (state !== "" && rule.properties?.state !== state) return false;
    return holds([...Object.values(texts), ...(rule.properties?.tags ?? []), rule.properties?.description ?? "", rule.name]);
  });
  const order = new Intl.Collator(undefined, { numeric: true, sensitivity: "base" });
  const byColumn = (a: Row, b: Row): number =>
    column === "severity" ? severityRank(a.rule.properties?.severity) - severityRank(b.rule.properties?.severity) : order.compare(a.texts[column], b.texts[column]);
  kept.sort((a, b) => (down ? -1 : 1) * byColumn(a, b) || order.compare(a.texts.name, b.texts.name));
  return kept;
}

export function Rules() {
  const query = useRules();
  return (
    <ListPage query={query} title="Rules" things="rules" refusal={(subscription) => `Rules of subscription ${subscription} are not shown`}>
      {(listing) => <Found listing={listing} />}
    </ListPage>
  );
}

function Found({ listing }: { readonly listing: Listing<Rule> }) {
  const styles = useStyles();
  const list = useListStyles();
  const table = useTableStyles();
  const [params, set, replace] = useAddress();
  const [importing, setImporting] = useState(false);
  const turn = useRuleSwitch();
  const filter = params.get("q") ?? "";
  const state = params.get("state") ?? "";
  const { by, down } = orderIn(params, COLUMNS);
  const rows = useMemo(() => listing.items.map(rowOf), [listing]);
  const shown = useMemo(() => arrange(rows, filter, state, by ?? "name", down), [rows, filter, state, by, down]);
  const columns = COLUMNS.filter(([c]) => c !== "subscription" || listing.subscriptions.length > 1);
  return (
    <>
      <div className={list.head}>
        <h1 className={list.title}>Rules</h1>
        <span className={list.count} role="status">
          {shown.length === rows.length ? rows.length : `${shown.length} of ${rows.length}`} {rows.length === 1 ? "rule" : "rules"}
        </span>
        <Choice label="State" value={state} options={[["", "All"], ...RULE_STATES.map((one) => [one, standingWord(one)] as const)]} onChoose={(value) => set("state", value)} />
        <FilterBox label="Filter rules" placeholder="Filter by name, tag …" value={filter} onChange={(value) => set("q", value)} />
        <Button size="small" icon={<ArrowUploadRegular />} disabledFocusable={listing.subscriptions.length === 0} onClick={() => setImporting(true)}>
          Import
        </Button>
        <NewRule subscriptions={listing.subscriptions} />
      </div>
      {turn.isError && <Problem error={turn.error} actions={<Button onClick={() => turn.reset()}>Dismiss</Button>} />}
      {rows.length === 0 ? (
        <Empty icon={<ShieldTaskRegular />} title="There are no rules">
          <p>A rule looks through the activity log and raises an alert for what it finds.</p>
        </Empty>
      ) : shown.length === 0 ? (
        <Empty icon={<SearchRegular />} title="No rule matches the filter">
          <Button onClick={() => replace({})}>Clear the filter</Button>
        </Empty>
      ) : (
        <div className={table.scroll} tabIndex={0} role="region" aria-label="Rules">
          <table className={table.table}>
            <thead>
              <tr>
                {columns.map(([key, label]) => (
                  <SortHead key={key} column={key} label={label} by={by} down={down} className={key === "type" ? styles.wide : ""} onSort={(sort) => set("sort", sort)} />
                ))}
                <th scope="col" className={styles.wide}>
                  Next run
                </th>
                <th scope="col" className={styles.number} title="Raised by the last run">
                  Alerts
                </th>
                <th scope="col">Enabled</th>
              </tr>
            </thead>
            <tbody>
              {shown.map((row) => {
                const { rule, subscription, path, texts } = row;
                const p = rule.properties;
                const trouble = runTrouble(p);
                const pending = turn.isPending && turn.variables.rule.id === rule.id;
                const why = [...(p?.reasons ?? []), ...(p?.findings ?? [])].join(" ");
                return (
                  <tr key={rule.id}>
                    {columns.map(([key]) =>
                      key === "name" ? (
                        <td key={key} className={styles.name} title={p?.description}>
                          <Link to={path}>{texts.name}</Link>
                        </td>
                      ) : key === "state" ? (
                        <td key={key}>
                          <span className={list.state}>
                            <Standing state={p?.state} />
                            {why !== "" && (
                              <span className={styles.why} title={why}>
                                {why}
                              </span>
                            )}
                          </span>
                        </td>
                      ) : key === "severity" ? (
                        <td key={key}>
                          <Severity severity={p?.severity} />
                        </td>
                      ) : key === "last" ? (
                        <td key={key} className={list.dim}>
                          <Time at={p?.lastRun?.startedAt} />
                          {trouble !== null && (
                            <span title={trouble} role="img" aria-label={trouble}>
                              <WarningFilled className={styles.warn} />
                            </span>
                          )}
                        </td>
                      ) : (
                        <td key={key} className={mergeClasses(list.dim, key === "type" && styles.wide)}>
                          {texts[key]}
                        </td>
                      ),
                    )}
                    <td className={mergeClasses(list.dim, styles.wide)}>{p?.state === "running" ? <Time at={p.nextRun ?? undefined} /> : "-"}</td>
                    <td className={mergeClasses(list.dim, styles.number)}>
                      <Link to={`/alerts?${new URLSearchParams({ status: "all", rule: rule.name }).toString()}`} title={`Alerts of ${texts.name}`}>
                        {p?.lastRun?.alerts ?? 0}
                        <span className={table.hidden}> in the last run of {texts.name}</span>
                      </Link>
                    </td>
                    <td>
                      <Switch
                        className={styles.switch}
                        aria-label={`${texts.name} is enabled`}
                        checked={pending ? turn.variables.enabled : p?.enabled === true}
                        disabled={p?.state === "unsupported"}
                        title={p?.state === "unsupported" ? why : undefined}
                        onChange={(_event, data) => turn.mutate({ rule, enabled: data.checked })}
                        data-subscription={subscription.subscriptionId}
                      />
                    </td>
                  </tr>
                );
              })}
            </tbody>
          </table>
        </div>
      )}
      <ImportDialog open={importing} onClose={() => setImporting(false)} subscriptions={listing.subscriptions} />
    </>
  );
}

/** Begins a rule: in the only subscription, or in one that is chosen. */
function NewRule({ subscriptions }: { readonly subscriptions: readonly Subscription[] }) {
  const navigate = useNavigate();
  const begin = (subscription: string): void => void navigate(`/rules/${encodeURIComponent(subscription)}/new`);
  const [only] = subscriptions;
  if (subscriptions.length < 2) {
    return (
      <Button size="small" appearance="primary" icon={<AddRegular />} disabledFocusable={only === undefined} onClick={() => only !== undefined && begin(only.subscriptionId)}>
        New rule
      </Button>
    );
  }
  return (
    <Menu positioning="below-end">
      <MenuTrigger disableButtonEnhancement>
        <Button size="small" appearance="primary" icon={<AddRegular />}>
          New rule
        </Button>
      </MenuTrigger>
      <MenuPopover>
        <MenuList>
          {subscriptions.map((s) => (
            <MenuItem key={s.subscriptionId} onClick={() => begin(s.subscriptionId)}>
              In {s.displayName ?? s.subscriptionId}
            </MenuItem>
          ))}
        </MenuList>
      </MenuPopover>
    </Menu>
  );
}
