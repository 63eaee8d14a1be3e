// Signs another machine in: az and its relatives show a code, and a signed-in person types it here.

import { Button, Field, Input, makeStyles, MessageBar, MessageBarBody, MessageBarTitle, tokens } from "@fluentui/react-components";
import { useEffect, useRef, useState, type FormEvent } from "react";
import { answerDevice, findDevice, formatCode, isComplete, type WaitingDevice } from "../api/device-code";
import { useAccess } from "../app/access";
import { Problem } from "../parts/problem";

const useStyles = makeStyles({
  page: { display: "grid", placeItems: "start center", padding: "48px 24px", flexGrow: 1 },
  card: {
    width: "100%", maxWidth: "440px", padding: "32px", borderRadius: "8px", background: tokens.colorNeutralBackground1,
    boxShadow: tokens.shadow8, display: "flex", flexDirection: "column", gap: "16px",
  },
  title: { margin: 0, fontSize: "20px", fontWeight: 600, outline: "none" },
  lead: { margin: 0, color: tokens.colorNeutralForeground2, lineHeight: 1.4 },
  code: { "& input": { fontFamily: tokens.fontFamilyMonospace, fontSize: "20px", letterSpacing: ".12em" } },
  facts: {
    display: "grid", gridTemplateColumns: "max-content 1fr", columnGap: "16px", rowGap: "6px", margin: 0,
    "& dt": { color: tokens.colorNeutralForeground2 },
    "& dd": { margin: 0, overflowWrap: "anywhere" },
  },
  buttons: { display: "flex", gap: "8px", justifyContent: "flex-end" },
});

type Step =
  | { readonly is: "typing" }
  | { readonly is: "asking"; readonly device: WaitingDevice }
  | { readonly is: "done"; readonly approved: boolean; readonly device: WaitingDevice };

export function Device() {
  const styles = useStyles();
  const { arm, session } = useAccess();
  const [code, setCode] = useState("");
  const [step, setStep] = useState<Step>({ is: "typing" });
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<unknown>(null);
  const title = useRef<HTMLHeadingElement>(null);

  useEffect(() => {
    document.title = "Sign in a device - Hardline";
  }, []);
  useEffect(() => {
    // The content was replaced: whoever does not see it hears what it is now.
    if (step.is !== "typing") title.current?.focus();
  }, [step.is]);

  const attempt = async (act: () => Promise<Step>): Promise<void> => {
    setBusy(true);
    setProblem(null);
    try {
      setStep(await act());
    } catch (error) {
      setProblem(error);
      setStep({ is: "typing" });
    } finally {
      setBusy(false);
    }
  };
  const find = (event: FormEvent): void => {
    event.preventDefault();
    if (busy || !isComplete(code)) return;
    void attempt(async () => ({ is: "asking", device: await findDevice(arm, code) }));
  };
  const answer = (device: WaitingDevice, approved: boolean): void => {
    void attempt(async () => {
      await answerDevice(arm, code, approved);
      return { is: "done", approved, device };
    });
  };

  return (
    <div className={styles.page}>
      <section className={styles.card} aria-labelledby="device-title">
        <h1 className={styles.title} id="device-title" tabIndex={-1} ref={title}>
          {step.is === "asking" ? `Sign in to ${step.device.clientName}?` : "Sign in a device"}
        </h1>
        {problem !== null && <Problem error={problem} />}
        {step.is === "typing" && (
          <form onSubmit={find} style={{ display: "contents" }}>
            <p className={styles.lead}>Enter the code that the other program or device shows.</p>
            <Field label="Code">
              <Input
                className={styles.code}
                value={code}
                onChange={(_e, data) => setCode(formatCode(data.value))}
                placeholder="XXXX-XXXX"
                autoComplete="off"
                autoCapitalize="characters"
                spellCheck={false}
                autoFocus
                required
                size="large"
              />
            </Field>
            <Button type="submit" appearance="primary" size="large" disabledFocusable={busy || !isComplete(code)}>
              {busy ? "Looking …" : "Continue"}
            </Button>
          </form>
        )}
        {step.is === "asking" && (
          <>
            <dl className={styles.facts}>
              <dt>Program</dt>
              <dd>{step.device.clientName}</dd>
              <dt>At address</dt>
              <dd>{step.device.address}</dd>
              <dt>Asked at</dt>
              <dd>{new Date(step.device.asked).toLocaleTimeString()}</dd>
              <dt>Signs in as</dt>
              <dd>{session?.user}</dd>
            </dl>
            <MessageBar intent="warning" layout="multiline">
              <MessageBarBody>
                <MessageBarTitle>Did you start this sign-in yourself?</MessageBarTitle> It gets all your rights. If somebody sent you
                the code, refuse.
              </MessageBarBody>
            </MessageBar>
            <div className={styles.buttons}>
              <Button disabledFocusable={busy} onClick={() => answer(step.device, false)}>
                Refuse
              </Button>
              <Button appearance="primary" disabledFocusable={busy} onClick={() => answer(step.device, true)}>
                Sign in
              </Button>
            </div>
          </>
        )}
        {step.is === "done" && (
          <MessageBar intent={step.approved ? "success" : "info"} layout="multiline" politeness="assertive">
            <MessageBarBody>
              {step.approved
                ? `You are signed in to ${step.device.clientName}. You can close this window.`
                : `The sign-in to ${step.device.clientName} was refused.`}
            </MessageBarBody>
          </MessageBar>
        )}
      </section>
    </div>
  );
}
