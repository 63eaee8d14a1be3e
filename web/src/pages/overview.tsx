import { Badge, Button, makeStyles, Spinner, tokens } from "@fluentui/react-components";
import { useMemo, useState } from "react";
import { diagnosticsOn, imageName, powerOf, troubleOf } from "../api/models";
import { parseVmId } from "../api/paths";
import { useActivity } from "../api/queries";
import { Card, Copyable, Fact, Facts } from "../parts/facts";
import { PowerState } from "../parts/power-state";
import { Explained, Problem } from "../parts/problem";
import { useTableStyles } from "../parts/table";
import { Time } from "../parts/time";
import { ActivityTable, latestOfEach } from "./activity-table";
import { isAttached, useVmContext } from "./vm-context";

const useStyles = makeStyles({
  page: { padding: "16px 20px 24px", display: "flex", flexDirection: "column", gap: "16px" },
  title: { fontSize: "15px", fontWeight: 600, margin: "4px 0 8px" },
  dim: { color: tokens.colorNeutralForeground2 },
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
      <Card label="Properties">
        <Facts>
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
        </Facts>
      </Card>
      <Activity id={id} />
    </div>
  );
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
        <div className={table.scroll} tabIndex={0} role="region" aria-label="Events">
          <ActivityTable events={shown} />
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
