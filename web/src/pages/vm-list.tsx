import { Button, Input, makeStyles, mergeClasses, Spinner, Tooltip, tokens } from "@fluentui/react-components";
import {
  ArrowSortDownRegular, ArrowSortUpRegular, DesktopPulseRegular, DismissRegular, ImageRegular, SearchRegular, ServerRegular, WindowConsoleRegular,
} from "@fluentui/react-icons";
import { useEffect, useMemo } from "react";
import { Link, useNavigate, useSearchParams } from "react-router";
import { diagnosticsOn, imageName, powerOf, troubleOf } from "../api/models";
import { parseVmId, vmPage } from "../api/paths";
import { useVms, type ListedVm, type VmListing } from "../api/queries";
import { PowerState, powerWord } from "../parts/power-state";
import { Explained, Problem, Empty } from "../parts/problem";
import { useTableStyles } from "../parts/table";
import { explain } from "../api/failure";

const useStyles = makeStyles({
  page: { padding: "16px 20px 24px", display: "flex", flexDirection: "column", gap: "12px" },
  head: { display: "flex", alignItems: "center", gap: "12px", flexWrap: "wrap" },
  title: { fontSize: "20px", fontWeight: 600, margin: 0, marginRight: "auto" },
  count: { color: tokens.colorNeutralForeground2, fontSize: "12px", fontVariantNumeric: "tabular-nums" },
  filter: { width: "280px" },
  trouble: { color: tokens.colorPaletteRedForeground1, maxWidth: "280px", overflow: "hidden", textOverflow: "ellipsis", fontSize: "12px" },
  state: { display: "flex", gap: "8px", alignItems: "center" },
  dim: { color: tokens.colorNeutralForeground2 },
  actions: { display: "flex", justifyContent: "flex-end", gap: "2px" },
});

interface Row {
  readonly listed: ListedVm;
  readonly path: string;
  readonly name: string;
  readonly state: string;
  readonly group: string;
  readonly location: string;
  readonly size: string;
  readonly image: string;
  readonly subscription: string;
}
type Column = "name" | "state" | "group" | "location" | "size" | "image" | "subscription";

const COLUMNS: readonly (readonly [Column, string])[] = [
  ["name", "Name"], ["state", "State"], ["group", "Resource group"], ["location", "Location"], ["size", "Size"], ["image", "Image"],
  ["subscription", "Subscription"],
];

function rowOf(listed: ListedVm): Row {
  const { vm, subscription } = listed;
  const id = parseVmId(vm.id);
  const group = id?.group ?? "";
  return {
    listed,
    path: vmPage(id),
    name: vm.name,
    state: powerWord(powerOf(vm)),
    group,
    location: vm.location ?? "",
    size: vm.properties?.hardwareProfile?.vmSize ?? "",
    image: imageName(vm.properties?.storageProfile?.imageReference),
    subscription: subscription.displayName ?? subscription.subscriptionId,
  };
}

/** The rows that hold every word of `filter`, in order. */
export function arrange(rows: readonly Row[], filter: string, column: Column, down: boolean): Row[] {
  const words = filter.toLowerCase().split(/\s+/).filter(Boolean);
  const texts = (row: Row): string => COLUMNS.map(([c]) => row[c]).join("\n").toLowerCase();
  const kept = words.length === 0 ? [...rows] : rows.filter((row) => words.every((word) => texts(row).includes(word)));
  const order = new Intl.Collator(undefined, { numeric: true, sensitivity: "base" });
  kept.sort((a, b) => order.compare(a[column], b[column]) || order.compare(a.path, b.path));
  return down ? kept.reverse() : kept;
}

export function VmList() {
  const styles = useStyles();
  const query = useVms();
  useEffect(() => {
    document.title = "Virtual machines - Hardline";
  }, []);
  return (
    <div className={styles.page}>
      {query.data !== undefined && query.error !== null && (
        <Explained intent="warning" explanation={{ ...explain(query.error), title: "What you see is no longer live" }} />
      )}
      {query.data?.refused.map(({ subscription, error }) => (
        <Explained
          key={subscription.subscriptionId}
          intent="warning"
          explanation={{ ...explain(error), title: `Subscription ${subscription.displayName ?? subscription.subscriptionId} is not shown` }}
        />
      ))}
      {query.data !== undefined ? (
        <Listing listing={query.data} />
      ) : query.error !== null ? (
        <Problem error={query.error} onRetry={() => void query.refetch()} />
      ) : (
        <Spinner label="Asking for the virtual machines" style={{ marginTop: 48 }} />
      )}
    </div>
  );
}

function Listing({ listing }: { readonly listing: VmListing }) {
  const styles = useStyles();
  const table = useTableStyles();
  const navigate = useNavigate();
  const [params, setParams] = useSearchParams();
  const filter = params.get("q") ?? "";
  const [column, direction] = (params.get("sort") ?? "name").split(" ");
  const by = COLUMNS.some(([c]) => c === column) ? (column as Column) : "name";
  const down = direction === "desc";
  const set = (key: string, value: string): void =>
    setParams((before) => {
      const next = new URLSearchParams(before);
      if (value === "") next.delete(key);
      else next.set(key, value);
      return next;
    }, { replace: true });

  const rows = useMemo(() => listing.vms.map(rowOf), [listing]);
  const shown = useMemo(() => arrange(rows, filter, by, down), [rows, filter, by, down]);
  const columns = COLUMNS.filter(([c]) => c !== "subscription" || listing.subscriptions.length > 1);

  return (
    <>
      <div className={styles.head}>
        <h1 className={styles.title}>Virtual machines</h1>
        <span className={styles.count} role="status">
          {filter === "" ? `${rows.length} in all` : `${shown.length} of ${rows.length}`}
        </span>
        <Input
          className={styles.filter}
          value={filter}
          onChange={(_e, data) => set("q", data.value)}
          onKeyDown={(event) => event.key === "Escape" && set("q", "")}
          type="text"
          aria-label="Filter virtual machines"
          placeholder="Filter by name, state, group …"
          contentBefore={<SearchRegular />}
          contentAfter={
            filter === "" ? null : (
              <Button appearance="transparent" size="small" icon={<DismissRegular />} aria-label="Clear the filter" onClick={() => set("q", "")} />
            )
          }
        />
      </div>
      {rows.length === 0 ? (
        <NoVms subscriptions={listing.subscriptions.length} />
      ) : shown.length === 0 ? (
        <Empty icon={<SearchRegular />} title="No virtual machine matches the filter">
          <Button onClick={() => set("q", "")}>Clear the filter</Button>
        </Empty>
      ) : (
        <div className={table.scroll} tabIndex={0} role="region" aria-label="Virtual machines">
          <table className={table.table}>
            <thead>
              <tr>
                {columns.map(([key, label]) => (
                  <th key={key} scope="col" aria-sort={by === key ? (down ? "descending" : "ascending") : "none"}>
                    <button type="button" className={table.sort} onClick={() => set("sort", by === key && !down ? `${key} desc` : key)}>
                      {label}
                      {by === key && (down ? <ArrowSortDownRegular aria-hidden /> : <ArrowSortUpRegular aria-hidden />)}
                    </button>
                  </th>
                ))}
                <th scope="col">
                  <span className={table.hidden}>Open</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {shown.map((row) => {
                const trouble = troubleOf(row.listed.vm);
                return (
                  <tr key={row.path}>
                    {columns.map(([key]) =>
                      key === "name" ? (
                        <td key={key}>
                          <Link to={row.path}>{row.name}</Link>
                        </td>
                      ) : key === "state" ? (
                        <td key={key}>
                          <span className={styles.state}>
                            <PowerState power={powerOf(row.listed.vm)} />
                            {trouble !== null && (
                              <span className={styles.trouble} title={trouble}>
                                {trouble}
                              </span>
                            )}
                          </span>
                        </td>
                      ) : (
                        <td key={key} className={mergeClasses(styles.dim)}>
                          {row[key] || "-"}
                        </td>
                      ),
                    )}
                    <td>
                      <span className={styles.actions}>
                        <RowLink label={`Screenshot of ${row.name}`} icon={<ImageRegular />} off={!diagnosticsOn(row.listed.vm)} onOpen={() => void navigate(`${row.path}/boot-diagnostics/screenshot`)} />
                        <RowLink label={`Serial log of ${row.name}`} icon={<DesktopPulseRegular />} off={!diagnosticsOn(row.listed.vm)} onOpen={() => void navigate(`${row.path}/boot-diagnostics/log`)} />
                        <RowLink label={`Serial console of ${row.name}`} icon={<WindowConsoleRegular />} off={false} onOpen={() => void navigate(`${row.path}/serial-console`)} />
                      </span>
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

function RowLink({ label, icon, off, onOpen }: { readonly label: string; readonly icon: React.JSX.Element; readonly off: boolean; readonly onOpen: () => void }) {
  return (
    <Tooltip content={off ? `${label} (boot diagnostics are off)` : label} relationship="label">
      <Button appearance="subtle" size="small" icon={icon} onClick={onOpen} />
    </Tooltip>
  );
}

function NoVms({ subscriptions }: { readonly subscriptions: number }) {
  return (
    <Empty icon={<ServerRegular />} title={subscriptions === 0 ? "You may not read any subscription" : "There are no virtual machines yet"}>
      {subscriptions === 0 ? (
        <p>An owner of a subscription, a resource group or a virtual machine can assign you a role.</p>
      ) : (
        <p>
          Those that you may read appear here as soon as they exist. Create one with <code>az vm create</code> or a PUT of the virtual machine.
        </p>
      )}
    </Empty>
  );
}
