// Asks before something that cannot be taken back.

import {
  Button, Dialog, DialogActions, DialogBody, DialogContent, DialogSurface, DialogTitle,
} from "@fluentui/react-components";
import { createContext, useCallback, useContext, useEffect, useRef, useState, type ReactNode } from "react";

export interface Question {
  readonly title: string;
  readonly body: ReactNode;
  /** Label of the button that goes on. */
  readonly action: string;
  /** Something is lost by it: Enter alone must not do it, so the focus starts at Cancel. */
  readonly danger?: true;
  /** Nothing to decide: one button. */
  readonly told?: true;
}

type Ask = (question: Question) => Promise<boolean>;
const AskContext = createContext<Ask>(() => Promise.resolve(false));

/** Asks; true when the person says so. */
export const useAsk = (): Ask => useContext(AskContext);

interface Asked {
  readonly question: Question;
  readonly resolve: (yes: boolean) => void;
  /** Had the focus, and gets it back. */
  readonly from: Element | null;
}

/** Shows the questions of everything inside it. */
export function AskRoot({ children }: { readonly children: ReactNode }) {
  const [asked, setAsked] = useState<Asked | null>(null);
  // The text stays while the dialog fades out.
  const [open, setOpen] = useState(false);
  const answer = useRef<boolean | null>(null);
  const ask = useCallback<Ask>(
    (question) =>
      new Promise((resolve) => {
        answer.current = null;
        setAsked({ question, resolve, from: document.activeElement });
        setOpen(true);
      }),
    [],
  );
  const close = (yes: boolean): void => {
    answer.current = yes;
    setOpen(false);
  };
  // Told only when the dialog has left the page: until then it holds on to the focus.
  const gone = (): void => {
    if (asked === null || answer.current === null) return;
    if (asked.from instanceof HTMLElement) asked.from.focus();
    asked.resolve(answer.current);
  };
  const cancel = <Button onClick={() => close(false)}>Cancel</Button>;
  return (
    <AskContext value={ask}>
      {children}
      <Dialog open={open} modalType="alert" onOpenChange={(_event, data) => !data.open && close(false)}>
        <DialogSurface>
          <OnUnmount then={gone} />
          <DialogBody>
            <DialogTitle>{asked?.question.title}</DialogTitle>
            <DialogContent>{asked?.question.body}</DialogContent>
            <DialogActions>
              {asked?.question.danger === true && cancel}
              <Button appearance="primary" onClick={() => close(true)}>
                {asked?.question.action}
              </Button>
              {asked?.question.danger !== true && asked?.question.told !== true && cancel}
            </DialogActions>
          </DialogBody>
        </DialogSurface>
      </Dialog>
    </AskContext>
  );
}

function OnUnmount({ then }: { readonly then: () => void }) {
  const latest = useRef(then);
  latest.current = then;
  useEffect(() => () => latest.current(), []);
  return null;
}
