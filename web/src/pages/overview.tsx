import { Badge, Button, makeStyles, Spinner, tokens, Tooltip } from "@fluentui/react-components";
import { CheckmarkRegular, CopyRegular } from "@fluentui/react-icons";
import { useMemo, useState, type ReactNode } from "react";
import { diagnosticsOn, imageName, powerOf, troubleOf, type ActivityEvent } from "../api/models";
import { parseVmId } from "../api/paths";
import { useActivity } from "../api/queries";
import { PowerState } from "../parts/power-state";
import { Explained, Problem } from "../parts/problem";
import { useTableStyles } from "../parts/table";
import { Time } from "../parts/time";
import { isAttached, useVmContext } from "./vm-context";

const useStyles = makeStyles({
  page: { padding: "16px 20px 24px", display: "flex", flexDirection: "column", gap: "16px" },
  card: { background: tokens.colorNeutralBackground1, border: `1px solid ${tokens.colorNeutralStroke2}`, borderRadius: "6px", padding: "14px 18px" },
  facts: {
    display: "grid", gridTemplateColumns: "repeat(auto-fit, minmax(min(100%, 420px), 1fr))", columnGap: "32px", margin: 0,
    "& > div": { display: "grid", gridTemplateColumns: "140px minmax(0, 1fr)", minHeight: "30px", alignItems: "center", fontSize: "13px" },
    "& dt": { color: tokens.colorNeutralForeground2 },
    "& dd": { margin: 0, display: "flex", alignItems: "center", gap: "6px", flexWrap: "wrap", overflowWrap: "anywhere" },
  },
  id: { fontFamily: tokens.fontFamilyMonospace, fontSize: "12px", wordBreak: "break-all" },
  copyable: { display: "inline-flex", alignItems: "center", gap: "4px", minWidth: 0 },
  title: { fontSize: "15px", fontWeight: 600, margin: "4px 0 8px" },
  dim: { color: tokens.colorNeutralForeground2 },
  bad: { color: tokens.colorPaletteRedForeground1, fontWeight: 600 },
});

export function Overview() {
  const styles = useStyles();
  const { vm, id } = useVmContext();
  const where = parseVmId(id);
  const p = vm.properties;
  const trouble = troubleOf(vm);
  const boot = p?.diagnosticsProfile?.bootDiagnostics;
  const tags = Object.entries(vm.tags ?? {});
  const host = p?.hardlineProfile?.host;
  return (
    <div className={styles.page}>
      {trouble !== null && <Explained intent="warning" explanation={{ title: "This machine needs attention", detail: trouble }} />}
      <section className={styles.card} aria-label="Properties">
        <dl className={styles.facts}>
          <Fact name="State">
            <PowerState power={powerOf(vm)} />
          </Fact>
          <Fact name="Size">{p?.hardwareProfile?.vmSize ?? "-"}</Fact>
          <Fact name="Image">{imageName(p?.storageProfile?.imageReference)}</Fact>
          {host !== undefined && <Fact name="Host">{host}</Fact>}
          <Fact name="Computer name">{p?.osProfile?.computerName ?? p?.instanceView?.computerName ?? "-"}</Fact>
          <Fact name="Administrator">{p?.osProfile?.adminUsername ?? "-"}</Fact>
          <Fact name="Boot diagnostics">{diagnosticsOn(vm) ? (boot?.storageUri ?? "On, managed storage") : "Off"}</Fact>
          <Fact name="Driver">{isAttached(vm) ? `Attached: ${p?.hardlineProfile?.serial ?? "serial port"}` : (p?.hardlineProfile?.driver ?? "qemu")}</Fact>
          <Fact name="Location">{vm.location ?? "-"}</Fact>
          {where?.set !== undefined && <Fact name="Scale set">{where.set}</Fact>}
          <Fact name="Resource group">{where?.group ?? "-"}</Fact>
          <Fact name="Provisioning">{p?.provisioningState ?? "-"}</Fact>
          <Fact name="Created">
            <Time at={p?.timeCreated} />
          </Fact>
          <Fact name="Subscription">
            <Copyable what="subscription id" text={where?.subscription ?? ""} />
          </Fact>
          <Fact name="VM id">
            <Copyable what="VM id" text={p?.vmId ?? ""} />
          </Fact>
          <Fact name="Resource id" wide>
            <Copyable what="resource id" text={id} />
          </Fact>
          <Fact name="Tags" wide>
            {tags.length === 0
              ? "-"
              : tags.map(([key, value]) => (
                  <Badge key={key} appearance="outline" color="informative">
                    {key}: {value}
                  </Badge>
                ))}
          </Fact>
        </dl>
      </section>
      <Activity id={id} />
    </div>
  );
}

function Fact({ name, wide = false, children }: { readonly name: string; readonly wide?: boolean; readonly children: ReactNode }) {
  return (
    <div style={wide ? { gridColumn: "1 / -1" } : undefined}>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

function Copyable({ what, text }: { readonly what: string; readonly text: string }) {
  const styles = useStyles();
  const [copied, setCopied] = useState(false);
  if (text === "") return <>-</>;
  const copy = (): void => {
    void navigator.clipboard.writeText(text).then(() => {
      setCopied(true);
      setTimeout(() => setCopied(false), 1500);
    });
  };
  return (
    <span className={styles.copyable}>
      <span className={styles.id}>{text}</span>
      <Tooltip content={copied ? "Copied" : `Copy the ${what}`} relationship="label">
        <Button appearance="subtle" size="small" icon={copied ? <CheckmarkRegular /> : <CopyRegular />} onClick={copy} />
      </Tooltip>
    </span>
  );
}

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

const SHOWN = 25;

function Activity({ id }: { readonly id: string }) {
  const styles = useStyles();
  const table = useTableStyles();
  const query = useActivity(id);
  const [all, setAll] = useState(false);
  const events = useMemo(() => latestOfEach(query.data ?? []), [query.data]);
  const shown = all ? events : events.slice(0, SHOWN);
  return (
    <section aria-labelledby="activity">
      <h2 className={styles.title} id="activity">
        Activity of the last 24 hours
      </h2>
      {query.error !== null && query.data === undefined ? (
        <Problem error={query.error} onRetry={() => void query.refetch()} />
      ) : query.data === undefined ? (
        <Spinner size="tiny" label="Asking for the activity log" labelPosition="after" style={{ justifyContent: "start" }} />
      ) : events.length === 0 ? (
        <p className={styles.dim}>Nothing was done to this machine.</p>
      ) : (
        <div className={table.scroll} tabIndex={0} role="region" aria-labelledby="activity">
          <table className={table.table}>
            <thead>
              <tr>
                <th scope="col">Time</th>
                <th scope="col">Operation</th>
                <th scope="col">Status</th>
                <th scope="col">Caller</th>
                <th scope="col">Address</th>
              </tr>
            </thead>
            <tbody>
              {shown.map((event) => (
                <tr key={event.eventDataId}>
                  <td>
                    <Time at={event.eventTimestamp} />
                  </td>
                  <td title={event.operationName?.value}>{event.operationName?.localizedValue ?? event.operationName?.value ?? "-"}</td>
                  <td className={event.status?.value === "Failed" ? styles.bad : ""} title={event.subStatus?.localizedValue}>
                    {event.status?.localizedValue ?? event.status?.value ?? "-"}
                  </td>
                  <td className={styles.dim}>{event.caller ?? "-"}</td>
                  <td className={styles.dim}>{event.httpRequest?.clientIpAddress ?? "-"}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {shown.length < events.length && (
        <Button appearance="subtle" onClick={() => setAll(true)}>
          Show all {events.length}
        </Button>
      )}
    </section>
  );
}
