// Start, restart, stop, deallocate: which are possible, what each does, how far it is.

import { Button, makeStyles, MessageBar, MessageBarActions, MessageBarBody, Spinner, tokens, Toolbar } from "@fluentui/react-components";
import { ArrowClockwiseRegular, CircleOffRegular, DismissRegular, PlayRegular, StopRegular } from "@fluentui/react-icons";
import type { ReactElement } from "react";
import { powerOf, type Power } from "../api/models";
import type { PowerAction } from "../api/queries";
import { useAsk, type Question } from "../parts/confirm";
import { ago, useNow } from "../parts/time";
import { Problem } from "../parts/problem";
import { isAttached, type VmContext } from "./vm-context";

const useStyles = makeStyles({
  bar: { padding: 0, gap: "2px" },
  busy: { display: "inline-flex", alignItems: "center", gap: "8px", marginRight: "8px", fontSize: "13px", color: tokens.colorNeutralForeground2, whiteSpace: "nowrap", fontVariantNumeric: "tabular-nums" },
});

interface Verb {
  readonly label: string;
  readonly icon: ReactElement;
  /** While it runs, and when it is done: said of the VM. */
  readonly doing: string;
  readonly done: string;
  readonly possible: (power: Power) => boolean;
  readonly ask: ((name: string) => Question) | null;
}

const VERBS: Readonly<Record<PowerAction, Verb>> = {
  start: {
    label: "Start", icon: <PlayRegular />, doing: "Starting", done: "has started", ask: null,
    possible: (p) => p !== "running" && p !== "starting",
  },
  restart: {
    label: "Restart", icon: <ArrowClockwiseRegular />, doing: "Restarting", done: "has restarted",
    possible: (p) => p === "running" || p === "unknown",
    ask: (name) => ({ title: `Restart ${name}?`, body: "The machine is restarted. What its programs have not saved is lost.", action: "Restart", danger: true }),
  },
  stop: {
    label: "Stop", icon: <StopRegular />, doing: "Stopping", done: "has stopped",
    possible: (p) => p === "running" || p === "starting" || p === "stopping" || p === "unknown",
    ask: (name) => ({
      title: `Stop ${name}?`,
      body: "The guest is asked to shut down; if it does not in time, it is powered off. It keeps its place on its host.",
      action: "Stop",
      danger: true,
    }),
  },
  deallocate: {
    label: "Deallocate", icon: <CircleOffRegular />, doing: "Deallocating", done: "is deallocated",
    possible: (p) => p !== "deallocated" && p !== "deallocating",
    ask: (name) => ({
      title: `Deallocate ${name}?`,
      body: "The guest is shut down and its memory and processors are given back to the host. Disks and the serial log stay.",
      action: "Deallocate",
      danger: true,
    }),
  },
};

export function PowerBar({ vm, power }: VmContext) {
  const styles = useStyles();
  const ask = useAsk();
  const now = useNow();
  const state = powerOf(vm);
  const attached = isAttached(vm);
  const running = power.isPending ? VERBS[power.variables] : null;

  const run = async (action: PowerAction): Promise<void> => {
    const question = VERBS[action].ask;
    if (question === null || (await ask(question(vm.name)))) power.mutate(action);
  };
  return (
    <Toolbar aria-label="Power" className={styles.bar} size="small">
      {running !== null && (
        <span className={styles.busy} role="status">
          <Spinner size="extra-tiny" aria-hidden />
          {running.doing}
          <span aria-hidden="true">{ago(now - power.submittedAt)}</span>
        </span>
      )}
      {(Object.entries(VERBS) as [PowerAction, Verb][]).map(([action, verb]) => {
        const off = attached || power.isPending || !verb.possible(state);
        return (
          <Button
            key={action}
            size="small"
            appearance="subtle"
            icon={verb.icon}
            disabledFocusable={off}
            title={attached ? "This machine is run by something else: only its serial port is here." : undefined}
            onClick={() => void run(action)}
          >
            {verb.label}
          </Button>
        );
      })}
    </Toolbar>
  );
}

/** How the last power action ended. */
export function PowerOutcome({ vm, power }: VmContext) {
  if (power.isError) {
    return (
      <Problem error={power.error} actions={<Button onClick={() => power.reset()}>Dismiss</Button>} onRetry={() => power.mutate(power.variables)} />
    );
  }
  if (!power.isSuccess) return null;
  return (
    <MessageBar intent="success">
      <MessageBarBody>
        {vm.name} {VERBS[power.variables].done}.
      </MessageBarBody>
      <MessageBarActions containerAction={<Button appearance="transparent" icon={<DismissRegular />} aria-label="Dismiss" onClick={() => power.reset()} />} />
    </MessageBar>
  );
}
