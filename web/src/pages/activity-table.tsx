// Events of the activity log as a table: one row for each operation.

import { makeStyles, mergeClasses, tokens } from "@fluentui/react-components";
import type { ActivityEvent } from "../api/models";
import { useTableStyles } from "../parts/table";
import { Time } from "../parts/time";

const useStyles = makeStyles({
  dim: { color: tokens.colorNeutralForeground2 },
  bad: { color: tokens.colorPaletteRedForeground1, fontWeight: 600 },
  cut: { maxWidth: "240px", overflow: "hidden", textOverflow: "ellipsis" },
  meant: { background: tokens.colorBrandBackground2, "& td:first-child": { boxShadow: `inset 3px 0 ${tokens.colorBrandForeground1}` } },
});

/** One operation: the newest of its events says how it stands. */
export function latestOfEach(events: readonly ActivityEvent[]): ActivityEvent[] {
  const seen = new Map<string, ActivityEvent>();
  for (const event of events) {
    const key = `${event.operationId ?? event.correlationId ?? event.eventDataId} ${event.operationName?.value}`;
    const known = seen.get(key);
    if (known === undefined || (event.eventTimestamp ?? "") > (known.eventTimestamp ?? "")) seen.set(key, event);
  }
  return [...seen.values()].sort((a, b) => (b.eventTimestamp ?? "").localeCompare(a.eventTimestamp ?? ""));
}

/**
 * The events as rows. About one resource every row names the caller; about one `caller` every row names the resource, and
 * those of the request `meant` stand out.
 */
export function ActivityTable({ events, caller = false, meant }: { readonly events: readonly ActivityEvent[]; readonly caller?: boolean; readonly meant?: string | undefined }) {
  const styles = useStyles();
  const table = useTableStyles();
  return (
    <table className={table.table}>
      <thead>
        <tr>
          <th scope="col">Time</th>
          <th scope="col">Operation</th>
          <th scope="col">Status</th>
          <th scope="col">{caller ? "Resource" : "Caller"}</th>
          <th scope="col">Address</th>
        </tr>
      </thead>
      <tbody>
        {events.map((event) => {
          const name = event.operationName?.localizedValue;
          const isMeant = meant !== undefined && event.correlationId === meant;
          return (
            <tr key={event.eventDataId} className={isMeant ? styles.meant : ""} aria-current={isMeant ? "true" : undefined}>
              <td>
                <Time at={event.eventTimestamp} />
              </td>
              <td title={event.operationName?.value}>{name === undefined || name === "" ? (event.operationName?.value ?? "-") : name}</td>
              <td className={event.status?.value === "Failed" ? styles.bad : ""} title={event.subStatus?.localizedValue}>
                {event.status?.localizedValue ?? event.status?.value ?? "-"}
              </td>
              {caller ? (
                <td className={mergeClasses(styles.dim, styles.cut)} title={event.resourceId}>
                  {shortResource(event.resourceId)}
                </td>
              ) : (
                <td className={styles.dim}>{event.caller ?? "-"}</td>
              )}
              <td className={styles.dim}>{event.httpRequest?.clientIpAddress ?? "-"}</td>
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}

/** The last type and name of a resource's id. */
function shortResource(id: string | undefined): string {
  return id === undefined ? "-" : id.split("/").slice(-2).join("/");
}
