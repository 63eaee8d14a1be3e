// What the rules found, newest first.

import { Button, Checkbox, makeStyles, mergeClasses, tokens, Tooltip } from "@fluentui/react-components";
import { CheckmarkRegular, EyeRegular, SearchRegular, ShieldTaskRegular } from "@fluentui/react-icons";
import { useState, type ReactElement } from "react";
import { Link } from "react-router";
import { alertPage, SEVERITIES, STATUSES, vmIdOf, type Alert, type AlertFilter, type Rule } from "../api/detection";
import { useAlerts, useRules } from "../api/detection-queries";
import type { Listed, Listing } from "../api/listing";
import { parseVmId, vmPage } from "../api/paths";
import { useAddress } from "../parts/address";
import { Choice } from "../parts/choice";
import { ListPage, useListStyles } from "../parts/list-page";
import { Empty } from "../parts/problem";
import { Severity, severityWord, Standing, standingWord } from "../parts/standing";
import { useTableStyles } from "../parts/table";
import { ago, Time, useNow } from "../parts/time";
import { useStatusDialog } from "./alert-status";

/** Alerts that are shown at first, and more of each time. */
const PAGE = 50;

const useStyles = makeStyles({
  cut: { maxWidth: "190px", overflow: "hidden", textOverflow: "ellipsis" },
  name: { width: "100%", maxWidth: 0, minWidth: "230px", overflow: "hidden", textOverflow: "ellipsis", "@media (max-width: 800px)": { minWidth: "170px" } },
  /** Left out where there is little room: the alert's page has it. */
  wide: { "@media (max-width: 800px)": { display: "none" } },
  check: { width: "32px", padding: "0 0 0 4px !important", "& .fui-Checkbox__indicator": { margin: "8px" } },
  chosen: { background: tokens.colorBrandBackground2, ":hover:hover:hover": { background: tokens.colorBrandBackground2 } },
  bulk: {
    display: "flex", alignItems: "center", gap: "8px", padding: "4px 12px", borderRadius: "6px", fontSize: "13px", minHeight: "40px", flexWrap: "wrap",
    background: tokens.colorBrandBackground2, color: tokens.colorNeutralForeground1, position: "sticky", top: "8px", zIndex: 2,
  },
  more: { display: "flex", alignItems: "center", gap: "12px", fontSize: "12px", color: tokens.colorNeutralForeground2 },
});

/** What the address asks for: open alerts when it does not say. */
function wantedBy(params: URLSearchParams): AlertFilter {
  const status = params.get("status") ?? "open";
  return { status: status === "all" ? "" : status, severity: params.get("severity") ?? "", rule: params.get("rule") ?? "" };
}

export function Alerts() {
  const list = useListStyles();
  const [params, setKey, replace] = useAddress();
  const wanted = wantedBy(params);
  const [limit, setLimit] = useState(PAGE);
  const query = useAlerts(wanted, limit);
  const rules = useRules();
  const set = (key: string, value: string): void => {
    setLimit(PAGE);
    setKey(key, value);
  };
  const named = namesOf(rules.data?.items ?? [], query.data?.items ?? []);
  const head = (
    <div className={list.head}>
      <h1 className={list.title}>Alerts</h1>
      <Choice
        label="Status"
        value={params.get("status") ?? "open"}
        options={[...STATUSES.map((status) => [status, standingWord(status)] as const), ["all", "All"]]}
        onChoose={(value) => set("status", value === "open" ? "" : value)}
      />
      <Choice
        label="Severity"
        value={wanted.severity ?? ""}
        options={[["", "All"], ...SEVERITIES.map((severity) => [severity, severityWord(severity)] as const)]}
        onChoose={(value) => set("severity", value)}
      />
      <Choice
        label="Rule"
        value={wanted.rule ?? ""}
        options={[["", "All"], ...(wanted.rule && !named.has(wanted.rule) ? [[wanted.rule, wanted.rule] as const] : []), ...named]}
        onChoose={(value) => set("rule", value)}
      />
    </div>
  );
  return (
    <ListPage query={query} title="Alerts" things="alerts" refusal={(subscription) => `Alerts of subscription ${subscription} are not shown`} head={head}>
      {(listing) => (
        <Found listing={listing} rules={rules.data} wanted={wanted} limit={limit} onMore={() => setLimit((n) => n + 2 * PAGE)} onAll={() => replace({ status: "all" })} loading={query.isPlaceholderData} />
      )}
    </ListPage>
  );
}

/** The rules that can be chosen, by name: those that exist, and those that alerts name. */
function namesOf(rules: readonly Listed<Rule>[], alerts: readonly Listed<Alert>[]): Map<string, string> {
  const names = new Map<string, string>();
  for (const { item } of alerts) if (item.properties?.rule !== undefined) names.set(item.properties.rule, item.properties.ruleName ?? item.properties.rule);
  for (const { item } of rules) names.set(item.name, item.properties?.displayName ?? item.name);
  const order = new Intl.Collator(undefined, { numeric: true, sensitivity: "base" });
  return new Map([...names].sort((a, b) => order.compare(a[1], b[1])));
}

function Found({
  listing, rules, wanted, limit, loading, onMore, onAll,
}: {
  readonly listing: Listing<Alert>;
  readonly rules: Listing<Rule> | undefined;
  readonly wanted: AlertFilter;
  readonly limit: number;
  readonly loading: boolean;
  readonly onMore: () => void;
  readonly onAll: () => void;
}) {
  const styles = useStyles();
  const list = useListStyles();
  const table = useTableStyles();
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const { ask, dialog } = useStatusDialog(() => setChosen(new Set()));
  // What has left the list is not chosen any more.
  const picked = listing.items.filter(({ item }) => chosen.has(item.id)).map(({ item }) => item);
  const several = listing.subscriptions.length > 1;
  const choose = (id: string, on: boolean): void =>
    setChosen((before) => {
      const next = new Set(before);
      if (on) next.add(id);
      else next.delete(id);
      return next;
    });
  if (listing.items.length === 0) {
    return (
      <>
        <NoAlerts wanted={wanted} rules={rules} onAll={onAll} />
        {dialog}
      </>
    );
  }
  return (
    <>
      {picked.length > 0 && (
        <div className={styles.bulk} role="region" aria-label="Chosen alerts">
          <strong>{picked.length} chosen</strong>
          <Button size="small" icon={<EyeRegular />} onClick={() => ask(picked, "acknowledged")}>
            Acknowledge
          </Button>
          <Button size="small" icon={<CheckmarkRegular />} onClick={() => ask(picked, "closed")}>
            Close
          </Button>
          <Button size="small" appearance="subtle" onClick={() => setChosen(new Set())}>
            Choose none
          </Button>
        </div>
      )}
      <div className={table.scroll} tabIndex={0} role="region" aria-label="Alerts">
        <table className={table.table}>
          <thead>
            <tr>
              <th scope="col" className={styles.check}>
                <Checkbox
                  aria-label="Choose all"
                  checked={picked.length === listing.items.length ? true : picked.length > 0 ? "mixed" : false}
                  onChange={(_event, data) => setChosen(data.checked === true ? new Set(listing.items.map(({ item }) => item.id)) : new Set())}
                />
              </th>
              <th scope="col">Time</th>
              <th scope="col">Severity</th>
              <th scope="col">Alert</th>
              <th scope="col" className={styles.wide}>
                Who
              </th>
              <th scope="col">Where</th>
              <th scope="col" className={styles.wide}>
                From
              </th>
              <th scope="col">Status</th>
              {several && <th scope="col">Subscription</th>}
              <th scope="col">
                <span className={table.hidden}>Act</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {listing.items.map(({ subscription, item }) => {
              const p = item.properties;
              const name = p?.ruleName ?? p?.rule ?? item.name;
              return (
                <tr key={item.id} className={chosen.has(item.id) ? styles.chosen : ""}>
                  <td className={styles.check}>
                    <Checkbox aria-label={`Choose ${name} of ${p?.time ?? ""}`} checked={chosen.has(item.id)} onChange={(_event, data) => choose(item.id, data.checked === true)} />
                  </td>
                  <td>
                    <Time at={p?.time} />
                  </td>
                  <td>
                    <Severity severity={p?.severity} />
                  </td>
                  <td className={styles.name} title={p?.reason}>
                    <Link to={alertPage(subscription.subscriptionId, item.name)}>{name}</Link>
                  </td>
                  <td className={mergeClasses(styles.cut, styles.wide)} title={p?.principal}>
                    {p?.principal ?? "-"}
                  </td>
                  <td className={styles.cut} title={p?.resource}>
                    <Where resource={p?.resource} />
                  </td>
                  <td className={mergeClasses(list.dim, styles.wide)}>{p?.sourceAddress ?? "-"}</td>
                  <td>
                    <Standing state={p?.status} />
                  </td>
                  {several && <td className={list.dim}>{subscription.displayName ?? subscription.subscriptionId}</td>}
                  <td>
                    <span className={list.actions}>
                      <RowAction label={`Acknowledge ${name}`} icon={<EyeRegular />} off={p?.status !== "open"} onClick={() => ask([item], "acknowledged")} />
                      <RowAction label={`Close ${name}`} icon={<CheckmarkRegular />} off={p?.status === "closed"} onClick={() => ask([item], "closed")} />
                    </span>
                  </td>
                </tr>
              );
            })}
          </tbody>
        </table>
      </div>
      <div className={styles.more} role="status">
        {listing.more ? `The newest ${listing.items.length} are shown.` : `${listing.items.length} ${listing.items.length === 1 ? "alert" : "alerts"}`}
        {listing.more && (
          <Button size="small" disabledFocusable={loading} onClick={onMore}>
            {loading && limit > PAGE ? "Loading …" : "More"}
          </Button>
        )}
      </div>
      {dialog}
    </>
  );
}

/** The machine that an alert is about, as a link; else the last part of the resource's id. */
export function Where({ resource }: { readonly resource: string | undefined }) {
  const id = vmIdOf(resource);
  const vm = id === null ? null : parseVmId(id);
  if (vm === null) return <>{resource?.split("/").pop() ?? "-"}</>;
  return <Link to={vmPage(vm)}>{vm.set === undefined ? vm.name : `${vm.set}_${vm.name}`}</Link>;
}

function RowAction({ label, icon, off, onClick }: { readonly label: string; readonly icon: ReactElement; readonly off: boolean; readonly onClick: () => void }) {
  return (
    <Tooltip content={label} relationship="label">
      <Button appearance="subtle" size="small" icon={icon} disabledFocusable={off} onClick={onClick} />
    </Tooltip>
  );
}

function NoAlerts({ wanted, rules, onAll }: { readonly wanted: AlertFilter; readonly rules: Listing<Rule> | undefined; readonly onAll: () => void }) {
  const narrowed = (wanted.severity ?? "") !== "" || (wanted.rule ?? "") !== "";
  const status = (wanted.status ?? "") === "" ? "" : `${standingWord(wanted.status).toLowerCase()} `;
  return (
    <Empty icon={narrowed ? <SearchRegular /> : <ShieldTaskRegular />} title={narrowed ? `No ${status}alert matches the filter` : `There are no ${status}alerts`}>
      <Watched rules={rules} />
      {(narrowed || status !== "") && <Button onClick={onAll}>Show all alerts</Button>}
    </Empty>
  );
}

/** What is watched, and when it was last looked at: silence means something only with that. */
function Watched({ rules }: { readonly rules: Listing<Rule> | undefined }) {
  const now = useNow();
  if (rules === undefined) return null;
  const running = rules.items.filter(({ item }) => item.properties?.state === "running");
  if (running.length === 0) {
    return (
      <p>
        No rule is running: nothing is watched. <Link to="/rules">Look at the rules</Link>
      </p>
    );
  }
  const last = Math.max(...running.map(({ item }) => Date.parse(item.properties?.lastRun?.startedAt ?? "")).filter((at) => !Number.isNaN(at)));
  const what = `${running.length} ${running.length === 1 ? "rule watches" : "rules watch"}`;
  return (
    <p>
      {what} the activity log of {rules.subscriptions.length === 1 ? "the subscription" : `${rules.subscriptions.length} subscriptions`}
      {Number.isFinite(last) ? `; the last run was ${ago(now - last)} ago` : "; none has run yet"}. <Link to="/rules">Look at the rules</Link>
    </p>
  );
}
