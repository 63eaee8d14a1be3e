import { Button, Field, Input, makeStyles, MessageBar, MessageBarBody, tokens } from "@fluentui/react-components";
import { EyeOffRegular, EyeRegular } from "@fluentui/react-icons";
import { useEffect, useRef, useState, type FormEvent } from "react";
import { Navigate, useLocation } from "react-router";
import { explain, type Explanation } from "../api/failure";
import { signIn } from "../api/session";
import { useAccess } from "../app/access";
import type { SignInState } from "../app/app";
import { Mark, ThemeMenu } from "../app/shell";

const useStyles = makeStyles({
  page: {
    minHeight: "100%", display: "grid", placeItems: "center", padding: "24px", position: "relative",
    background: tokens.colorNeutralBackground3, color: tokens.colorNeutralForeground1,
  },
  corner: { position: "absolute", top: "8px", right: "8px" },
  card: {
    width: "100%", maxWidth: "380px", padding: "32px", borderRadius: "8px", background: tokens.colorNeutralBackground1,
    boxShadow: tokens.shadow8, display: "flex", flexDirection: "column", gap: "16px",
  },
  brand: { display: "flex", alignItems: "center", gap: "12px", margin: 0, fontSize: "22px", fontWeight: 600 },
  lead: { margin: "-6px 0 0", color: tokens.colorNeutralForeground2, lineHeight: 1.4 },
  host: { color: tokens.colorNeutralForeground2, fontSize: "12px", textAlign: "center", overflowWrap: "anywhere" },
});

export function SignIn() {
  const styles = useStyles();
  const { session, sessions } = useAccess();
  const location = useLocation();
  const from = (location.state as SignInState | null)?.from ?? "/vms";
  const [user, setUser] = useState("");
  const [password, setPassword] = useState("");
  const [visible, setVisible] = useState(false);
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<Explanation | null>(null);
  const passwordRef = useRef<HTMLInputElement>(null);
  const [absence] = useState(() => sessions.absence());

  useEffect(() => {
    document.title = "Sign in - Hardline";
  }, []);
  if (session !== null) return <Navigate to={from} replace />;

  const submit = async (event: FormEvent): Promise<void> => {
    event.preventDefault();
    setBusy(true);
    setProblem(null);
    try {
      sessions.start(await signIn(user.trim(), password, () => Date.now()));
    } catch (error) {
      setProblem(explain(error));
      setBusy(false);
      passwordRef.current?.select();
    }
  };

  return (
    <main className={styles.page}>
      <div className={styles.corner}>
        <ThemeMenu />
      </div>
      <form className={styles.card} onSubmit={(event) => void submit(event)} aria-labelledby="sign-in-title">
        <h1 className={styles.brand} id="sign-in-title">
          <Mark size={32} />
          Hardline
        </h1>
        <p className={styles.lead}>Boot diagnostics and serial console of your virtual machines.</p>
        {problem === null && absence === "expired" && (
          <MessageBar intent="warning" layout="multiline">
            <MessageBarBody>Your sign-in has expired. Sign in again; you will be back where you were.</MessageBarBody>
          </MessageBar>
        )}
        {problem === null && absence === "signedOut" && (
          <MessageBar intent="success">
            <MessageBarBody>You have signed out.</MessageBarBody>
          </MessageBar>
        )}
        {problem !== null && (
          <MessageBar intent="error" layout="multiline" politeness="assertive">
            <MessageBarBody>{problem.detail}</MessageBarBody>
          </MessageBar>
        )}
        <Field label="User">
          <Input
            value={user}
            onChange={(_e, data) => setUser(data.value)}
            autoComplete="username"
            autoCapitalize="none"
            spellCheck={false}
            autoFocus
            required
            size="large"
          />
        </Field>
        <Field label="Password">
          <Input
            input={{ ref: passwordRef }}
            type={visible ? "text" : "password"}
            value={password}
            onChange={(_e, data) => setPassword(data.value)}
            autoComplete="current-password"
            required
            size="large"
            contentAfter={
              <Button
                appearance="transparent"
                size="small"
                icon={visible ? <EyeOffRegular /> : <EyeRegular />}
                aria-label={visible ? "Hide the password" : "Show the password"}
                aria-pressed={visible}
                onClick={() => setVisible(!visible)}
              />
            }
          />
        </Field>
        <Button type="submit" appearance="primary" size="large" disabledFocusable={busy}>
          {busy ? "Signing in …" : "Sign in"}
        </Button>
        <span className={styles.host}>{window.location.host}</span>
      </form>
    </main>
  );
}
