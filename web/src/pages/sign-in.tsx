import { Button, Field, Input, makeStyles, MessageBar, MessageBarBody, tokens } from "@fluentui/react-components";
import { EyeOffRegular, EyeRegular } from "@fluentui/react-icons";
import { useEffect, useRef, useState, type FormEvent, type ReactNode } from "react";
import { Navigate, useLocation, useNavigate } from "react-router";
import { beginSignIn, begunSignIn, endSignIn, identityProvider, identityProviderAddress, proveIdentity } from "../api/authorization";
import { explain, type Explanation } from "../api/failure";
import type { Absence } from "../api/session";
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

/** Asks for name and password, as part of a sign-in that this tab has begun; begins one otherwise. */
export function SignIn() {
  const { session, sessions } = useAccess();
  const location = useLocation();
  const from = (location.state as SignInState | null)?.from ?? "/vms";
  const query = new URLSearchParams(location.search);
  const begun = begunSignIn(window.sessionStorage, query);
  const begins = session === null && begun === null;
  const [problem, setProblem] = useState<Explanation | null>(null);
  const started = useRef(false);

  useEffect(() => {
    document.title = "Sign in - Hardline";
  }, []);
  useEffect(() => {
    if (!begins || started.current) return;
    started.current = true;
    beginSignIn(window.sessionStorage, window.location.origin, from, sessions.absence()).then(
      (address) => window.location.replace(address),
      (error: unknown) => setProblem(explain(error)),
    );
  }, [begins, from, sessions]);
  if (session !== null) return <Navigate to={begun?.from ?? from} replace />;
  if (begun !== null) return <PasswordForm query={query} absence={begun.why} />;
  if (problem === null) return null;
  return (
    <Card>
      <Wrong>{problem.detail}</Wrong>
    </Card>
  );
}

/** Where a sign-in comes back to: exchanges the code, or says why there is none. */
export function SignedIn() {
  const { session, sessions } = useAccess();
  const navigate = useNavigate();
  const location = useLocation();
  const [problem, setProblem] = useState<Explanation | null>(null);
  // A code works once: a second run of the effect must not spoil the first.
  const started = useRef(false);

  useEffect(() => {
    document.title = "Sign in - Hardline";
    if (started.current) return;
    started.current = true;
    endSignIn(window.sessionStorage, window.location.origin, new URLSearchParams(location.search), () => Date.now()).then(
      (ended) => {
        sessions.start(ended.session);
        void navigate(ended.from, { replace: true });
      },
      (error: unknown) => setProblem(explain(error)),
    );
  }, [location.search, navigate, sessions]);
  if (problem === null) return null;
  return (
    <Card>
      <Wrong>{problem.detail}</Wrong>
      <Button appearance="primary" size="large" onClick={() => void navigate(session === null ? "/signin" : "/vms", { replace: true })}>
        {session === null ? "Sign in again" : "Back to the portal"}
      </Button>
    </Card>
  );
}

function PasswordForm({ query, absence }: { readonly query: URLSearchParams; readonly absence: Absence }) {
  const [user, setUser] = useState("");
  const [password, setPassword] = useState("");
  const [visible, setVisible] = useState(false);
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<Explanation | null>(null);
  const [provider, setProvider] = useState<string | null>(null);
  const passwordRef = useRef<HTMLInputElement>(null);

  useEffect(() => {
    let here = true;
    void identityProvider().then((name) => here && setProvider(name));
    return () => {
      here = false;
    };
  }, []);

  const submit = async (event: FormEvent): Promise<void> => {
    event.preventDefault();
    setBusy(true);
    setProblem(null);
    try {
      window.location.replace(await proveIdentity(window.location.origin, query, user.trim(), password));
    } catch (error) {
      setProblem(explain(error));
      setBusy(false);
      passwordRef.current?.select();
    }
  };

  return (
    <Card onSubmit={(event) => void submit(event)}>
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
      {problem !== null && <Wrong>{problem.detail}</Wrong>}
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
      {provider !== null && (
        <Button as="a" href={identityProviderAddress(query)} size="large">
          Sign in with {provider}
        </Button>
      )}
    </Card>
  );
}

function Wrong({ children }: { readonly children: ReactNode }) {
  return (
    <MessageBar intent="error" layout="multiline" politeness="assertive">
      <MessageBarBody>{children}</MessageBarBody>
    </MessageBar>
  );
}

/** The frame of every page that somebody sees before being signed in; a form, when there is something to send. */
function Card({ children, onSubmit }: { readonly children: ReactNode; readonly onSubmit?: (event: FormEvent) => void }) {
  const styles = useStyles();
  const Frame = onSubmit === undefined ? "section" : "form";
  return (
    <main className={styles.page}>
      <div className={styles.corner}>
        <ThemeMenu />
      </div>
      <Frame className={styles.card} onSubmit={onSubmit} aria-labelledby="sign-in-title">
        <h1 className={styles.brand} id="sign-in-title">
          <Mark size={32} />
          Hardline
        </h1>
        <p className={styles.lead}>Boot diagnostics and serial console of your virtual machines.</p>
        {children}
        <span className={styles.host}>{window.location.host}</span>
      </Frame>
    </main>
  );
}
