// Asks before something that cannot be taken back.

import {
  Button, Dialog, DialogActions, DialogBody, DialogContent, DialogSurface, DialogTitle,
} from "@fluentui/react-components";
import { createContext, useCallback, useContext, useMemo, useState, type ReactNode } from "react";

export interface Question {
  readonly title: string;
  readonly body: ReactNode;
  /** Label of the button that goes on. */
  readonly action: string;
  /** Nothing to decide: one button. */
  readonly told?: true;
}

type Ask = (question: Question) => Promise<boolean>;
const AskContext = createContext<Ask>(() => Promise.resolve(false));

/** Asks; true when the person says so. */
export const useAsk = (): Ask => useContext(AskContext);

/** Shows the questions of everything inside it. */
export function AskRoot({ children }: { readonly children: ReactNode }) {
  const [asked, setAsked] = useState<(Question & { readonly answer: (yes: boolean) => void }) | null>(null);
  // The text stays while the dialog fades out.
  const [open, setOpen] = useState(false);
  const ask = useCallback<Ask>(
    (question) =>
      new Promise((resolve) => {
        setAsked({ ...question, answer: resolve });
        setOpen(true);
      }),
    [],
  );
  const answer = (yes: boolean): void => {
    setOpen(false);
    asked?.answer(yes);
  };
  const value = useMemo(() => ask, [ask]);
  return (
    <AskContext value={value}>
      {children}
      <Dialog open={open} modalType="alert" onOpenChange={(_event, data) => !data.open && answer(false)}>
        <DialogSurface>
          <DialogBody>
            <DialogTitle>{asked?.title}</DialogTitle>
            <DialogContent>{asked?.body}</DialogContent>
            <DialogActions>
              <Button appearance="primary" onClick={() => answer(true)}>
                {asked?.action}
              </Button>
              {asked?.told !== true && <Button onClick={() => answer(false)}>Cancel</Button>}
            </DialogActions>
          </DialogBody>
        </DialogSurface>
      </Dialog>
    </AskContext>
  );
}
