import { Button, makeStyles, Tab, TabList } from "@fluentui/react-components";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Navigate, useNavigate, useParams } from "react-router";
import { diagnosticsOn } from "../api/models";
import { operations } from "../api/operations";
import { parseVmId } from "../api/paths";
import { useAccess } from "../app/access";
import { Explained, Problem } from "../parts/problem";
import { ScreenshotTab } from "./screenshot-tab";
import { SerialLogTab } from "./serial-log-tab";
import { useVmContext } from "./vm-context";

const useStyles = makeStyles({
  page: { display: "flex", flexDirection: "column", flexGrow: 1, minHeight: 0, padding: "4px 16px 12px" },
  tabs: { marginLeft: "-8px", flexShrink: 0 },
  panel: { display: "flex", flexDirection: "column", flexGrow: 1, minHeight: 0, gap: "8px", paddingTop: "8px" },
});

export function BootDiagnostics() {
  const styles = useStyles();
  const { tab } = useParams();
  const navigate = useNavigate();
  const { vm } = useVmContext();
  if (tab !== "screenshot" && tab !== "log") return <Navigate to="../boot-diagnostics/screenshot" replace />;
  return (
    <div className={styles.page}>
      <TabList
        className={styles.tabs}
        selectedValue={tab}
        onTabSelect={(_event, data) => void navigate(`../boot-diagnostics/${String(data.value)}`, { relative: "route" })}
        aria-label="Boot diagnostics"
        selectTabOnFocus={false}
      >
        <Tab value="screenshot" id="tab-screenshot" aria-controls="panel">
          Screenshot
        </Tab>
        <Tab value="log" id="tab-log" aria-controls="panel">
          Serial log
        </Tab>
      </TabList>
      <div className={styles.panel} role="tabpanel" id="panel" aria-labelledby={`tab-${tab}`}>
        {!diagnosticsOn(vm) && <DiagnosticsOff />}
        {tab === "screenshot" ? <ScreenshotTab /> : <SerialLogTab />}
      </div>
    </div>
  );
}

/** Says that boot diagnostics is off and offers to turn it on. */
export function DiagnosticsOff({ why }: { readonly why?: string }) {
  const { id } = useVmContext();
  const ofSet = parseVmId(id)?.set !== undefined;
  const { arm } = useAccess();
  const client = useQueryClient();
  const turnOn = useMutation({
    mutationFn: () =>
      arm.run(operations.VmPatch, id, { body: { properties: { diagnosticsProfile: { bootDiagnostics: { enabled: true } } } } }),
    onSettled: () => client.invalidateQueries({ queryKey: ["vm", id.toLowerCase()] }),
  });
  return (
    <>
      <Explained
        intent="warning"
        explanation={{
          title: "Boot diagnostics are off",
          detail: `${why ?? "Nothing of this machine's serial port or screen is captured. What was captured before is still kept."}${
            ofSet ? " They are a setting of the scale set's model; the instance gets it when it is upgraded." : ""
          }`,
        }}
        actions={
          ofSet ? undefined : (
            <Button disabledFocusable={turnOn.isPending} onClick={() => turnOn.mutate()}>
              Turn on
            </Button>
          )
        }
      />
      {turnOn.isError && <Problem error={turnOn.error} />}
    </>
  );
}
