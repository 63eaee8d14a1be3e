// What can be done at once about an alert. Each asks first, names what it touches, and shows what the server answered.

import { Button, makeStyles, MessageBar, MessageBarBody, tokens, useRestoreFocusTarget } from "@fluentui/react-components";
import { FilterDismissRegular, OpenRegular, PersonProhibitedRegular, PlugDisconnectedRegular } from "@fluentui/react-icons";
import { useState } from "react";
import { Link, useNavigate } from "react-router";
import { evidenceOf, rulePage, vmIdOf, type Alert } from "../api/detection";
import { useMay, useResponse, useRule, type Response } from "../api/detection-queries";
import { draftFrom } from "../api/exceptions";
import { operations } from "../api/operations";
import { parseVmId, vmPage } from "../api/paths";
import { useAsk, type Question } from "../parts/confirm";
import { Card } from "../parts/facts";
import { Problem } from "../parts/problem";
import { ExceptionDialog } from "./exception-dialog";

const useStyles = makeStyles({
  buttons: { display: "flex", flexWrap: "wrap", gap: "8px" },
  outcome: { marginTop: "8px", display: "flex", flexDirection: "column", gap: "8px", ":empty": { display: "none" } },
  facts: {
    display: "grid", gridTemplateColumns: "max-content minmax(0, 1fr)", columnGap: "12px", rowGap: "4px", margin: "8px 0 0",
    "& dt": { color: tokens.colorNeutralForeground2 },
    "& dd": { margin: 0, overflowWrap: "anywhere" },
  },
});

export function AlertResponse({ alert, subscription }: { readonly alert: Alert; readonly subscription: string }) {
  const styles = useStyles();
  const navigate = useNavigate();
  const ask = useAsk();
  const response = useResponse();
  const [excepted, setExcepted] = useState<string | null>(null);
  const p = alert.properties ?? {};
  const evidence = evidenceOf(p.document);
  const vm = vmIdOf(p.resource);
  const name = vm === null ? "" : (parseVmId(vm)?.name ?? "");
  const who = p.principal ?? p.principalId ?? "the identity";
  const act = async (question: Question, what: Response): Promise<void> => {
    if (await ask(question)) response.mutate(what);
  };
  const revoke = (): void => {
    if (evidence === null) return;
    const body = (
      <>
        {who} may no longer do what this role allows. Other assignments, also through groups, stay.
        <Touched facts={[["Identity", who], ["Role", evidence.role || "-"], ["Scope", evidence.scope], ["Assignment", evidence.assignment.split("/").pop() ?? ""]]} />
      </>
    );
    void act({ title: `Revoke the role of ${who}?`, body, action: "Revoke", danger: true }, { act: "revoke", evidence });
  };
  const disableVm = (): void => {
    if (vm === null) return;
    const body = (
      <>
        Nobody can open a serial console at this machine until it is enabled again, and open sessions end.
        <Touched facts={[["Machine", vm]]} />
      </>
    );
    void act({ title: `Disable the serial console of ${name}?`, body, action: "Disable", danger: true }, { act: "disableVm", resource: vm });
  };
  const disableAll = (): void => {
    const body = (
      <>
        Nobody can open a serial console at any machine of the subscription until it is enabled again, and open sessions end.
        <Touched facts={[["Subscription", subscription]]} />
      </>
    );
    void act({ title: "Disable every serial console of the subscription?", body, action: "Disable all", danger: true }, { act: "disableSubscription", subscription });
  };
  return (
    <Card title="Respond">
      <div className={styles.buttons}>
        {vm !== null && (
          <Button size="small" icon={<OpenRegular />} onClick={() => void navigate(vmPage(parseVmId(vm)))}>
            Open {name}
          </Button>
        )}
        <Button
          size="small"
          icon={<PersonProhibitedRegular />}
          disabledFocusable={evidence === null || response.isPending}
          title={evidence === null ? "The event names no role assignment that allowed it." : undefined}
          onClick={revoke}
        >
          Revoke role{evidence?.role ? `: ${evidence.role}` : ""}
        </Button>
        {vm !== null && (
          <Button size="small" icon={<PlugDisconnectedRegular />} disabledFocusable={response.isPending} onClick={disableVm}>
            Disable console of {name}
          </Button>
        )}
        <Button size="small" icon={<PlugDisconnectedRegular />} disabledFocusable={response.isPending} onClick={disableAll}>
          Disable consoles of the subscription
        </Button>
        <Except alert={alert} subscription={subscription} onAdded={setExcepted} />
      </div>
      <div className={styles.outcome}>
        {response.isSuccess && (
          <MessageBar intent="success" layout="multiline">
            <MessageBarBody style={{ overflowWrap: "anywhere" }}>{response.data}</MessageBarBody>
          </MessageBar>
        )}
        {excepted !== null && (
          <MessageBar intent="success" layout="multiline">
            <MessageBarBody style={{ overflowWrap: "anywhere" }}>
              The exception {excepted} is added to <Link to={rulePage(subscription, p.rule ?? "")}>{p.ruleName ?? p.rule}</Link>. This alert stays as it is.
            </MessageBarBody>
          </MessageBar>
        )}
        {response.isError && <Problem error={response.error} />}
      </div>
    </Card>
  );
}

/** Begins an exception of the alert's rule with what the alert is about. */
function Except({ alert, subscription, onAdded }: { readonly alert: Alert; readonly subscription: string; readonly onAdded: (name: string) => void }) {
  const may = useMay(subscription, operations.DetectionRulePatch);
  const { rule = "", document } = alert.properties ?? {};
  const query = useRule(subscription, rule, false);
  const [open, setOpen] = useState(false);
  const back = useRestoreFocusTarget();
  if (!may) return null;
  return (
    <>
      <Button
        {...back}
        size="small"
        icon={<FilterDismissRegular />}
        disabledFocusable={query.data === undefined}
        title={query.isError ? "The rule does not exist any more, or may not be read." : undefined}
        onClick={() => {
          // It may have been changed since the page was opened.
          void query.refetch();
          setOpen(true);
        }}
      >
        Add an exception from this alert
      </Button>
      {query.data !== undefined && <ExceptionDialog rule={query.data} first={draftFrom(document)} document={document} open={open} onClose={() => setOpen(false)} onAdded={onAdded} />}
    </>
  );
}

function Touched({ facts }: { readonly facts: readonly (readonly [string, string])[] }) {
  const styles = useStyles();
  return (
    <dl className={styles.facts}>
      {facts.map(([name, value]) => (
        <div key={name} style={{ display: "contents" }}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}
