// Acknowledging, closing and opening alerts: one at a time or many, with the reason that the next person reads.

import {
  Button, Dialog, DialogActions, DialogBody, DialogContent, DialogSurface, DialogTitle, Field, Textarea,
} from "@fluentui/react-components";
import { useRef, useState, type ReactNode, type FormEvent } from "react";
import type { Alert, AlertStatus } from "../api/detection";
import { useAlertStatus } from "../api/detection-queries";
import { Problem } from "../parts/problem";

/** Longest reason, in UTF-16 code units. */
const LONGEST = 1000;

const VERB: Readonly<Record<AlertStatus, string>> = { open: "Reopen", acknowledged: "Acknowledge", closed: "Close" };
const MEANS: Readonly<Record<AlertStatus, string>> = {
  open: "It counts as not looked at again.",
  acknowledged: "Somebody looks into it. It stays in the list until it is closed.",
  closed: "Nothing is left to do about it.",
};

/** The word for setting `status`. */
export const statusVerb = (status: AlertStatus): string => VERB[status];

interface Wish {
  readonly alerts: readonly Alert[];
  readonly status: AlertStatus;
}

/** Asks for the reason, then sets the status. The dialog must stand somewhere in the page. */
export function useStatusDialog(onDone?: () => void): { readonly ask: (alerts: readonly Alert[], status: AlertStatus) => void; readonly dialog: ReactNode } {
  const [wish, setWish] = useState<Wish | null>(null);
  const [open, setOpen] = useState(false);
  const [reason, setReason] = useState("");
  const from = useRef<Element | null>(null);
  const change = useAlertStatus();
  const ask = (alerts: readonly Alert[], status: AlertStatus): void => {
    from.current = document.activeElement;
    change.reset();
    setReason("");
    setWish({ alerts, status });
    setOpen(true);
  };
  const close = (): void => {
    setOpen(false);
    if (from.current instanceof HTMLElement && from.current.isConnected) from.current.focus();
    else document.getElementById("main")?.focus();
  };
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    if (wish === null || change.isPending) return;
    change.mutate(
      { ...wish, reason: reason.trim() },
      {
        onSuccess: () => {
          close();
          onDone?.();
        },
      },
    );
  };
  const verb = wish === null ? "" : VERB[wish.status];
  const count = wish?.alerts.length ?? 0;
  const dialog = (
    <Dialog open={open} onOpenChange={(_event, data) => !data.open && close()}>
      <DialogSurface>
        <form onSubmit={submit}>
          <DialogBody>
            <DialogTitle>
              {verb} {count === 1 ? "this alert" : `${count} alerts`}?
            </DialogTitle>
            <DialogContent style={{ display: "flex", flexDirection: "column", gap: 12 }}>
              {count === 1 && <span style={{ overflowWrap: "anywhere" }}>{wish?.alerts[0]?.properties?.reason}</span>}
              <span>{wish === null ? "" : MEANS[wish.status]}</span>
              <Field label="Reason" hint="Kept in the alert's history.">
                <Textarea
                  value={reason}
                  maxLength={LONGEST}
                  rows={3}
                  autoFocus
                  onChange={(_event, data) => setReason(data.value)}
                  onKeyDown={(event) => {
                    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) event.currentTarget.form?.requestSubmit();
                  }}
                />
              </Field>
              {change.isError && <Problem error={change.error} />}
            </DialogContent>
            <DialogActions>
              <Button type="submit" appearance="primary" disabledFocusable={change.isPending}>
                {verb}
              </Button>
              <Button onClick={close}>Cancel</Button>
            </DialogActions>
          </DialogBody>
        </form>
      </DialogSurface>
    </Dialog>
  );
  return { ask, dialog };
}
