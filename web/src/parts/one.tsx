// A page about one thing: waited for, missing, refused, or there.

import { Spinner } from "@fluentui/react-components";
import { useEffect, type ReactNode } from "react";
import { Link } from "react-router";
import { explain, Failure } from "../api/failure";
import { AskRoot } from "./confirm";
import { Explained, Problem } from "./problem";
import { useTableStyles } from "./table";

/** An answer that may be there, or may have failed, or both: then it is of an earlier time. */
export interface Asked<T> {
  readonly data: T | undefined;
  readonly error: unknown;
  readonly refetch: () => unknown;
}

/** The whole page. `kind` is what it is about ("alert"), `name` which one when it is known, `all` where the others are. */
export function One<T>({
  query, kind, name, all, children,
}: {
  readonly query: Asked<T>;
  readonly kind: string;
  readonly name: string | undefined;
  readonly all: string;
  readonly children: (found: T) => ReactNode;
}) {
  const table = useTableStyles();
  const title = kind.charAt(0).toUpperCase() + kind.slice(1);
  useEffect(() => {
    document.title = `${name ?? title} - Hardline`;
  }, [name, title]);
  if (query.data !== undefined) return <AskRoot>{children(query.data)}</AskRoot>;
  const gone = query.error instanceof Failure && query.error.status === 404;
  return (
    <div style={{ padding: 20 }}>
      <h1 className={table.hidden}>{title}</h1>
      {query.error === null ? (
        <Spinner label={`Asking for the ${kind}`} style={{ marginTop: 48 }} />
      ) : gone ? (
        <Explained explanation={{ ...explain(query.error), title: `This ${kind} does not exist` }} actions={<Link to={all}>All {kind}s</Link>} />
      ) : (
        <Problem error={query.error} onRetry={() => void query.refetch()} />
      )}
    </div>
  );
}
