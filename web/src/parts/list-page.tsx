// One look for the lists over every subscription: a head with filters, what was refused, and the rows.

import { Button, Input, makeStyles, mergeClasses, Spinner, tokens } from "@fluentui/react-components";
import { ArrowSortDownRegular, ArrowSortUpRegular, DismissRegular, SearchRegular } from "@fluentui/react-icons";
import { useEffect, type ReactNode } from "react";
import { explain } from "../api/failure";
import type { Subscription } from "../api/models";
import type { Asked } from "./one";
import { Explained, Problem, Stale } from "./problem";
import { useTableStyles } from "./table";

export const useListStyles = makeStyles({
  page: { padding: "16px 20px 24px", display: "flex", flexDirection: "column", gap: "12px" },
  head: { display: "flex", alignItems: "center", gap: "8px 12px", flexWrap: "wrap" },
  title: { fontSize: "20px", fontWeight: 600, margin: 0, marginRight: "auto" },
  count: { color: tokens.colorNeutralForeground2, fontSize: "12px", fontVariantNumeric: "tabular-nums" },
  state: { display: "flex", gap: "8px", alignItems: "center" },
  dim: { color: tokens.colorNeutralForeground2 },
  actions: { display: "flex", justifyContent: "flex-end", gap: "2px" },
  filter: { width: "220px", "@media (max-width: 800px)": { width: "150px" } },
  broad: { width: "280px", "@media (max-width: 800px)": { width: "220px" } },
});

interface Refusing {
  readonly refused: readonly { readonly subscription: Subscription; readonly error: unknown }[];
}

/** The page. `things` are what it lists ("rules"); `head` is there from the start, `children` once there is an answer. */
export function ListPage<T extends Refusing>({
  query, title, things, refusal, head, children,
}: {
  readonly query: Asked<T>;
  readonly title: string;
  readonly things: string;
  /** Says which subscription's are not shown. */
  readonly refusal: (subscription: string) => string;
  readonly head?: ReactNode;
  readonly children: (listing: T) => ReactNode;
}) {
  const styles = useListStyles();
  useEffect(() => {
    document.title = `${title} - Hardline`;
  }, [title]);
  return (
    <div className={styles.page}>
      {query.data !== undefined && <Stale error={query.error} />}
      {query.data?.refused.map(({ subscription, error }) => (
        <Explained
          key={subscription.subscriptionId}
          intent="warning"
          explanation={{ ...explain(error), title: refusal(subscription.displayName ?? subscription.subscriptionId) }}
        />
      ))}
      {head}
      {query.data !== undefined ? (
        children(query.data)
      ) : query.error !== null ? (
        <Problem error={query.error} onRetry={() => void query.refetch()} />
      ) : (
        <Spinner label={`Asking for the ${things}`} style={{ marginTop: 48 }} />
      )}
    </div>
  );
}

/** Words that rows must hold. Escape empties it. */
export function FilterBox({
  label, placeholder, value, broad = false, onChange,
}: {
  readonly label: string;
  readonly placeholder: string;
  readonly value: string;
  readonly broad?: boolean;
  readonly onChange: (value: string) => void;
}) {
  const styles = useListStyles();
  return (
    <Input
      className={mergeClasses(styles.filter, broad && styles.broad)}
      size={broad ? "medium" : "small"}
      value={value}
      onChange={(_event, data) => onChange(data.value)}
      onKeyDown={(event) => event.key === "Escape" && onChange("")}
      aria-label={label}
      placeholder={placeholder}
      contentBefore={<SearchRegular />}
      contentAfter={
        value === "" ? null : <Button appearance="transparent" size="small" icon={<DismissRegular />} aria-label="Clear the filter" onClick={() => onChange("")} />
      }
    />
  );
}

/** The head of a column that rows can be ordered by. */
export function SortHead<C extends string>({
  column, label, by, down, className, onSort,
}: {
  readonly column: C;
  readonly label: string;
  readonly by: C | null;
  readonly down: boolean;
  readonly className?: string;
  readonly onSort: (sort: string) => void;
}) {
  const table = useTableStyles();
  const mine = by === column;
  return (
    <th scope="col" className={className} aria-sort={mine ? (down ? "descending" : "ascending") : "none"}>
      <button type="button" className={table.sort} onClick={() => onSort(mine && !down ? `${column} desc` : column)}>
        {label}
        {mine && (down ? <ArrowSortDownRegular aria-hidden /> : <ArrowSortUpRegular aria-hidden />)}
      </button>
    </th>
  );
}
