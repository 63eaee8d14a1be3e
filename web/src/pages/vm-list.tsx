// The virtual machines of every subscription, and the ways to their screens, logs and consoles.

import { Button, makeStyles, Tooltip, tokens } from "@fluentui/react-components";
import { DesktopPulseRegular, ImageRegular, SearchRegular, ServerRegular, WindowConsoleRegular } from "@fluentui/react-icons";
import { useMemo } from "react";
import { Link, useNavigate } from "react-router";
import { diagnosticsOn, imageName, powerOf, troubleOf } from "../api/models";
import { parseVmId, vmPage } from "../api/paths";
import { useVms, type ListedVm, type VmListing } from "../api/queries";
import { holdsWords, orderIn, useAddress } from "../parts/address";
import { FilterBox, ListPage, SortHead, useListStyles } from "../parts/list-page";
import { PowerState, powerWord } from "../parts/power-state";
import { Empty } from "../parts/problem";
import { useTableStyles } from "../parts/table";

const useStyles = makeStyles({
  trouble: { color: tokens.colorPaletteRedForeground1, maxWidth: "280px", overflow: "hidden", textOverflow: "ellipsis", fontSize: "12px" },
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
  const holds = holdsWords(filter);
  const kept = rows.filter((row) => holds(COLUMNS.map(([c]) => row[c])));
  const order = new Intl.Collator(undefined, { numeric: true, sensitivity: "base" });
  kept.sort((a, b) => order.compare(a[column], b[column]) || order.compare(a.path, b.path));
  return down ? kept.reverse() : kept;
}

export function VmList() {
  const query = useVms();
  return (
    <ListPage query={query} title="Virtual machines" things="virtual machines" refusal={(subscription) => `Subscription ${subscription} is not shown`}>
      {(listing) => <Listing listing={listing} />}
    </ListPage>
  );
}

function Listing({ listing }: { readonly listing: VmListing }) {
  const styles = useStyles();
  const list = useListStyles();
  const table = useTableStyles();
  const navigate = useNavigate();
  const [params, set] = useAddress();
  const filter = params.get("q") ?? "";
  const order = orderIn(params, COLUMNS);
  const by = order.by ?? "name";
  const down = order.down;
  const rows = useMemo(() => listing.vms.map(rowOf), [listing]);
  const shown = useMemo(() => arrange(rows, filter, by, down), [rows, filter, by, down]);
  const columns = COLUMNS.filter(([c]) => c !== "subscription" || listing.subscriptions.length > 1);

  return (
    <>
      <div className={list.head}>
        <h1 className={list.title}>Virtual machines</h1>
        <span className={list.count} role="status">
          {filter === "" ? `${rows.length} in all` : `${shown.length} of ${rows.length}`}
        </span>
        <FilterBox broad label="Filter virtual machines" placeholder="Filter by name, state, group …" value={filter} onChange={(value) => set("q", value)} />
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
                  <SortHead key={key} column={key} label={label} by={by} down={down} onSort={(sort) => set("sort", sort)} />
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
                          <span className={list.state}>
                            <PowerState power={powerOf(row.listed.vm)} />
                            {trouble !== null && (
                              <span className={styles.trouble} title={trouble}>
                                {trouble}
                              </span>
                            )}
                          </span>
                        </td>
                      ) : (
                        <td key={key} className={list.dim}>
                          {row[key] || "-"}
                        </td>
                      ),
                    )}
                    <td>
                      <span className={list.actions}>
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
