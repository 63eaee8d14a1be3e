// The frame of one VM: name, state and power above, the VM's pages at the left.

import { makeStyles, mergeClasses, Spinner, tokens } from "@fluentui/react-components";
import { DesktopPulseRegular, InfoRegular, WindowConsoleRegular } from "@fluentui/react-icons";
import { useEffect, type ReactNode } from "react";
import { NavLink, Outlet, useLocation, useParams } from "react-router";
import { explain, Failure } from "../api/failure";
import { powerOf } from "../api/models";
import { vmId } from "../api/paths";
import { usePower, useVm } from "../api/queries";
import { PowerState } from "../parts/power-state";
import { Explained, Problem } from "../parts/problem";
import { AskRoot } from "../parts/confirm";
import { PowerBar, PowerOutcome } from "./power-bar";
import type { VmContext } from "./vm-context";

const useStyles = makeStyles({
  page: { display: "flex", flexDirection: "column", flexGrow: 1, minHeight: 0 },
  head: {
    display: "flex", alignItems: "center", gap: "6px 16px", minHeight: "44px", padding: "4px 12px 4px 20px", flexShrink: 0, flexWrap: "wrap",
    background: tokens.colorNeutralBackground1, borderBottom: `1px solid ${tokens.colorNeutralStroke2}`,
  },
  name: { fontSize: "18px", fontWeight: 600, margin: 0, overflow: "hidden", textOverflow: "ellipsis", whiteSpace: "nowrap", maxWidth: "40vw" },
  grow: { marginLeft: "auto" },
  body: { display: "flex", flexGrow: 1, minHeight: 0 },
  nav: {
    width: "196px", flexShrink: 0, padding: "10px 8px", background: tokens.colorNeutralBackground2, borderRight: `1px solid ${tokens.colorNeutralStroke2}`,
    "@media (max-width: 1000px)": { width: "52px" },
  },
  list: { listStyle: "none", margin: 0, padding: 0, display: "flex", flexDirection: "column", gap: "2px" },
  group: {
    fontSize: "12px", fontWeight: 600, color: tokens.colorNeutralForeground2, padding: "14px 10px 4px",
    "@media (max-width: 1000px)": { fontSize: "0", padding: "6px 0", borderTop: `1px solid ${tokens.colorNeutralStroke2}`, marginTop: "8px" },
  },
  link: {
    display: "flex", alignItems: "center", gap: "10px", height: "34px", padding: "0 10px", borderRadius: "4px", textDecoration: "none",
    color: tokens.colorNeutralForeground1, fontSize: "13px", position: "relative",
    ":hover": { background: tokens.colorSubtleBackgroundHover },
    ":focus-visible": { outline: `2px solid ${tokens.colorStrokeFocus2}`, outlineOffset: "-2px" },
    "& svg": { fontSize: "18px", flexShrink: 0 },
    "@media (max-width: 1000px)": { padding: 0, justifyContent: "center" },
  },
  label: { "@media (max-width: 1000px)": { position: "absolute", width: "1px", height: "1px", overflow: "hidden", clipPath: "inset(50%)" } },
  here: {
    background: tokens.colorSubtleBackgroundSelected, fontWeight: 600,
    "::before": { content: "''", position: "absolute", left: 0, top: "8px", bottom: "8px", width: "3px", borderRadius: "2px", background: tokens.colorBrandForeground1 },
  },
  content: { flexGrow: 1, minWidth: 0, minHeight: 0, overflow: "auto", display: "flex", flexDirection: "column", background: tokens.colorNeutralBackground3 },
  notes: { display: "flex", flexDirection: "column", gap: "8px", padding: "8px 16px 0", ":empty": { display: "none" } },
});

export function VmPage() {
  const styles = useStyles();
  const params = useParams();
  const { pathname } = useLocation();
  const name = params.set === undefined ? (params.name ?? "") : `${params.set}_${params.name ?? ""}`;
  const id = vmId({ subscription: params.subscription ?? "", group: params.group ?? "", set: params.set, name: params.name ?? "" });
  const query = useVm(id);
  const power = usePower(id);
  const page = pathname.includes("/serial-console") ? "Serial console" : pathname.includes("/boot-diagnostics") ? "Boot diagnostics" : "Overview";
  useEffect(() => {
    document.title = `${name}: ${page} - Hardline`;
  }, [name, page]);

  const gone = query.error instanceof Failure && query.error.status === 404;
  if (query.data === undefined || gone) {
    return (
      <div style={{ padding: 20 }}>
        {query.error === null ? (
          <Spinner label={`Asking for ${name}`} style={{ marginTop: 48 }} />
        ) : (
          <Problem error={query.error} onRetry={() => void query.refetch()} />
        )}
      </div>
    );
  }
  const vm = query.data;
  const context: VmContext = { vm, id: vm.id, power };
  return (
    <AskRoot>
      <div className={styles.page}>
        <div className={styles.head}>
          <h1 className={styles.name} title={name}>
            {vm.name}
          </h1>
          <span role="status" aria-label="Power state">
            <PowerState power={powerOf(vm)} />
          </span>
          <div className={styles.grow}>
            <PowerBar {...context} />
          </div>
        </div>
        <div className={styles.body}>
          <nav className={styles.nav} aria-label={`Pages of ${vm.name}`}>
            <ul className={styles.list}>
              <Page to="." end icon={<InfoRegular />} label="Overview" />
            </ul>
            <div className={styles.group} id="nav-help">
              Help
            </div>
            <ul className={styles.list} aria-labelledby="nav-help">
              <Page to="boot-diagnostics" icon={<DesktopPulseRegular />} label="Boot diagnostics" />
              <Page to="serial-console" icon={<WindowConsoleRegular />} label="Serial console" />
            </ul>
          </nav>
          <div className={styles.content}>
            <div className={styles.notes}>
              {query.error !== null && (
                <Explained intent="warning" explanation={{ ...explain(query.error), title: "What you see is no longer live" }} />
              )}
              <PowerOutcome {...context} />
            </div>
            <Outlet context={context} />
          </div>
        </div>
      </div>
    </AskRoot>
  );
}

function Page({ to, end = false, icon, label }: { readonly to: string; readonly end?: boolean; readonly icon: ReactNode; readonly label: string }) {
  const styles = useStyles();
  return (
    <li>
      <NavLink to={to} end={end} title={label} className={({ isActive }) => mergeClasses(styles.link, isActive && styles.here)}>
        {icon}
        <span className={styles.label}>{label}</span>
      </NavLink>
    </li>
  );
}
