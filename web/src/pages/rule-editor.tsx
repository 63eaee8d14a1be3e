// Writes a rule: its text on the left, what the server says about it below, what it would have found beside it.

import { Button, makeStyles, MessageBar, MessageBarActions, MessageBarBody, Spinner, tokens } from "@fluentui/react-components";
import { CheckmarkCircleFilled, ErrorCircleFilled, SaveRegular } from "@fluentui/react-icons";
import { useEffect, useMemo, useRef, useState } from "react";
import { Link, useBlocker, useNavigate, useParams, useSearchParams } from "react-router";
import { ruleIdIn, rulePage, type Rule, type RuleCheck, type RuleProblem } from "../api/detection";
import { useRule, useRuleCheck, useRuleSave } from "../api/detection-queries";
import { explain, Failure } from "../api/failure";
import { useAccess } from "../app/access";
import { CodeEditor, type EditorHandle } from "../editor/code-editor";
import { clearDraft, draftKey, keepDraft, readDraft } from "../editor/draft";
import { copyOf, newRule } from "../editor/template";
import { placeAt } from "../editor/text";
import { AskRoot, useAsk } from "../parts/confirm";
import { Card, Fact, Facts } from "../parts/facts";
import { usePageStyles } from "../parts/page";
import { Explained, Problem } from "../parts/problem";
import { Severity } from "../parts/standing";
import { Remarks } from "./rule-page";
import { RuleTrial } from "./rule-trial";
import { typeText } from "./rules";

/** How long the person must pause before the text is checked, milliseconds. */
const PAUSE = 400;

const useStyles = makeStyles({
  body: {
    display: "grid", gridTemplateColumns: "minmax(0, 1fr) minmax(320px, 460px)", flexGrow: 1, minHeight: 0,
    "@media (max-width: 1050px)": { gridTemplateColumns: "minmax(0, 1fr)", overflow: "auto" },
  },
  writing: { display: "flex", flexDirection: "column", gap: "8px", padding: "12px 8px 12px 20px", minHeight: 0, "@media (max-width: 1050px)": { height: "calc(100vh - 100px)", minHeight: "420px", paddingRight: "20px" } },
  side: { display: "flex", flexDirection: "column", gap: "12px", padding: "12px 20px 12px 8px", overflow: "auto", minHeight: 0, "@media (max-width: 1050px)": { paddingLeft: "20px", overflow: "visible" } },
  hint: { fontSize: "12px", color: tokens.colorNeutralForeground2, display: "flex", justifyContent: "space-between", gap: "12px", flexWrap: "wrap" },
  verdict: { display: "inline-flex", alignItems: "center", gap: "6px", whiteSpace: "nowrap" },
  good: { color: tokens.colorPaletteGreenForeground1 },
  bad: { color: tokens.colorPaletteRedForeground1 },
  problems: {
    listStyle: "none", margin: 0, padding: "4px 0", maxHeight: "28%", overflow: "auto", flexShrink: 0, fontSize: "13px", borderRadius: "6px",
    background: tokens.colorNeutralBackground1, border: `1px solid ${tokens.colorNeutralStroke2}`,
  },
  problem: {
    display: "grid", gridTemplateColumns: "56px minmax(0, 1fr)", gap: "8px", width: "100%", padding: "4px 12px", textAlign: "left", font: "inherit", color: "inherit",
    background: "none", border: "none", cursor: "pointer", overflowWrap: "anywhere",
    ":hover": { background: tokens.colorNeutralBackground1Hover },
    ":focus-visible": { outline: `2px solid ${tokens.colorStrokeFocus2}`, outlineOffset: "-2px" },
    "& > span:first-child": { fontFamily: tokens.fontFamilyMonospace, fontSize: "12px", color: tokens.colorNeutralForeground2 },
  },
});

export function RuleEditor() {
  const { subscription = "", id } = useParams();
  const [params] = useSearchParams();
  const template = params.get("from") ?? "";
  const query = useRule(subscription, id ?? template, false);
  const waits = id !== undefined || template !== "";
  if (waits && query.data === undefined) {
    return (
      <div style={{ padding: 20 }}>
        {query.error === null ? <Spinner label="Asking for the rule" style={{ marginTop: 48 }} /> : <Problem error={query.error} onRetry={() => void query.refetch()} />}
      </div>
    );
  }
  return (
    <AskRoot>
      <Editor key={`${subscription}/${id ?? ""}/${template}`} subscription={subscription} template={template} rule={id === undefined ? null : (query.data ?? null)} source={query.data?.properties?.source ?? null} />
    </AskRoot>
  );
}

/** The value, once it has stood still for `pause` milliseconds. */
function useSettled<T>(value: T, pause: number): T {
  const [settled, setSettled] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(value), pause);
    return () => clearTimeout(timer);
  }, [value, pause]);
  return settled;
}

/** What the server found, and what it need not be asked for. */
export function problemsOf(check: RuleCheck | undefined, text: string, id: string | null): RuleProblem[] {
  const found = [...(check?.problems ?? [])];
  const named = ruleIdIn(text);
  if (id !== null && named !== null && named !== id) {
    const at = /rule_id[ \t]*=/.exec(text)?.index ?? 0;
    found.push({ ...placeAt(text, at), message: `The text is that of the rule ${named}, and this is the rule ${id}. Copy the text into a new rule to keep both.` });
  }
  return found.sort((a, b) => (a.line ?? 0) - (b.line ?? 0) || (a.column ?? 0) - (b.column ?? 0));
}

function Editor({ subscription, template, rule, source }: { readonly subscription: string; readonly template: string; readonly rule: Rule | null; readonly source: string | null }) {
  const page = usePageStyles();
  const styles = useStyles();
  const navigate = useNavigate();
  const ask = useAsk();
  const { session } = useAccess();
  const id = rule?.name ?? null;
  const key = draftKey(session?.user ?? "", subscription, id ?? `new/${template}`);
  // What the text area makes of it: it knows only one kind of line end.
  const [first] = useState(() => (rule === null ? (source === null ? newRule(crypto.randomUUID()) : copyOf(source, crypto.randomUUID())) : (source ?? "")).replaceAll("\r\n", "\n"));
  const [draft] = useState(() => readDraft(window.sessionStorage, key));
  // A draft was written over the version of its time: what others did since is not to be lost with it.
  const [etag, setEtag] = useState(draft?.etag ?? rule?.etag ?? null);
  const [text, setText] = useState(draft?.text ?? first);
  const [restored, setRestored] = useState(draft !== null && draft.text !== first);
  const settled = useSettled(text, PAUSE);
  const check = useRuleCheck(subscription, settled);
  const save = useRuleSave(subscription);
  const handle = useRef<EditorHandle>(null);
  const dirty = text !== first;
  const holds = useRef(dirty);
  holds.current = dirty && !save.isSuccess;
  const name = check.data?.rule?.displayName ?? rule?.properties?.displayName ?? "";
  const problems = useMemo(() => problemsOf(check.data, settled, id), [check.data, settled, id]);
  const checking = settled !== text || check.isFetching;

  useEffect(() => {
    document.title = `${id === null ? "New rule" : `Edit ${rule?.properties?.displayName ?? id}`} - Hardline`;
  }, [id, rule]);

  // A sign-in that ends, or a reload, does not cost the text.
  useEffect(() => {
    if (settled !== first) keepDraft(window.sessionStorage, key, { text: settled, etag });
    else clearDraft(window.sessionStorage, key);
  }, [settled, first, key, etag]);

  const blocker = useBlocker(({ currentLocation, nextLocation }) => holds.current && currentLocation.pathname !== nextLocation.pathname && nextLocation.pathname !== "/signin");
  useEffect(() => {
    if (blocker.state !== "blocked") return;
    void ask({ title: "Leave without saving?", body: "What you have written is lost.", action: "Leave", danger: true }).then((leave) => {
      if (!leave) return blocker.reset();
      clearDraft(window.sessionStorage, key);
      blocker.proceed();
    });
    // Asked once for each attempt to leave.
  }, [blocker.state]);
  useEffect(() => {
    const hold = (event: BeforeUnloadEvent): void => {
      if (holds.current) event.preventDefault();
    };
    window.addEventListener("beforeunload", hold);
    return () => window.removeEventListener("beforeunload", hold);
  }, []);

  const target = id ?? ruleIdIn(text);
  const store = (over: string | null): void => {
    if (target === null || save.isPending) return;
    save.mutate(
      { name: target, source: text, etag: over },
      {
        onSuccess: () => {
          holds.current = false;
          clearDraft(window.sessionStorage, key);
          void navigate(rulePage(subscription, target), { replace: true });
        },
      },
    );
  };
  const why = target === null ? "The text has no rule_id." : problems.length > 0 && !checking ? "The text has problems." : undefined;
  const discard = (): void => {
    setText(first);
    setEtag(rule?.etag ?? null);
    setRestored(false);
  };

  return (
    <div
      className={page.page}
      onKeyDown={(event) => {
        if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "s") {
          event.preventDefault();
          if (why === undefined && (dirty || id === null)) store(etag);
        }
      }}
    >
      <div className={page.head}>
        <h1 className={page.title}>{id === null ? "New rule" : "Edit rule"}</h1>
        {name !== "" && (id === null ? <span className={page.dim}>{name}</span> : <Link to={rulePage(subscription, id)}>{name}</Link>)}
        <Verdict checking={checking} failed={check.isError} problems={problems.length} valid={check.data?.valid === true} />
        <div className={page.actions}>
          <Button
            size="small"
            appearance="primary"
            icon={<SaveRegular />}
            disabledFocusable={why !== undefined || save.isPending || (id !== null && !dirty)}
            title={why ?? "Ctrl+S"}
            onClick={() => store(etag)}
          >
            {save.isPending ? "Saving …" : "Save"}
          </Button>
          <Button size="small" onClick={() => void navigate(id === null ? "/rules" : rulePage(subscription, id))}>
            Cancel
          </Button>
        </div>
      </div>
      <div className={styles.body}>
        <div className={styles.writing}>
          {restored && (
            <MessageBar intent="info">
              <MessageBarBody>What you had written and not saved is here again.</MessageBarBody>
              <MessageBarActions>
                <Button size="small" onClick={discard}>
                  Discard it
                </Button>
                <Button size="small" onClick={() => setRestored(false)}>
                  Keep it
                </Button>
              </MessageBarActions>
            </MessageBar>
          )}
          {save.isError && <SaveProblem error={save.error} isNew={id === null} subscription={subscription} target={target ?? ""} onOver={(current) => store(current)} />}
          {check.isError && <Problem error={check.error} onRetry={() => void check.refetch()} />}
          <CodeEditor value={text} onChange={setText} problems={problems} label="Text of the rule" describedBy="editor-keys" handle={handle} />
          <div className={styles.hint}>
            <span id="editor-keys">Tab indents; Escape, then Tab leaves the text. Ctrl+S saves.</span>
          </div>
          {problems.length > 0 && (
            <ul className={styles.problems} aria-label="Problems">
              {problems.map((problem, i) => (
                <li key={i}>
                  <button type="button" className={styles.problem} onClick={() => handle.current?.goTo(problem.line ?? 1, problem.column ?? 1)}>
                    <span>
                      {problem.line ?? "-"}:{problem.column ?? "-"}
                    </span>
                    <span>{problem.message}</span>
                  </button>
                </li>
              ))}
            </ul>
          )}
        </div>
        <div className={styles.side}>
          <Remarks intent="warning" title="It cannot run here" texts={check.data?.reasons} />
          <Remarks intent="warning" title="It may never find anything" texts={check.data?.findings} />
          <Remarks intent="info" title="To know" texts={check.data?.notes} />
          <Understood check={check.data} />
          <RuleTrial subscription={subscription} what={{ source: text }} off={problems.length > 0 ? "The text has problems." : undefined} />
        </div>
      </div>
    </div>
  );
}

/** How the text stands, in a few words. */
function Verdict({ checking, failed, problems, valid }: { readonly checking: boolean; readonly failed: boolean; readonly problems: number; readonly valid: boolean }) {
  const styles = useStyles();
  return (
    <span role="status" aria-label="Check of the text" className={styles.verdict}>
      {checking ? (
        <>
          <Spinner size="extra-tiny" aria-hidden /> Checking
        </>
      ) : failed ? (
        "Not checked"
      ) : problems > 0 ? (
        <>
          <ErrorCircleFilled className={styles.bad} aria-hidden /> {problems} {problems === 1 ? "problem" : "problems"}
        </>
      ) : valid ? (
        <>
          <CheckmarkCircleFilled className={styles.good} aria-hidden /> No problems
        </>
      ) : null}
    </span>
  );
}

/** Why it was not saved, and the way out when somebody else was faster. */
function SaveProblem({
  error, isNew, subscription, target, onOver,
}: {
  readonly error: unknown;
  readonly isNew: boolean;
  readonly subscription: string;
  readonly target: string;
  readonly onOver: (etag: string | null) => void;
}) {
  const page = usePageStyles();
  const conflict = error instanceof Failure && (error.status === 412 || (isNew && error.status === 409));
  const theirs = useRule(subscription, conflict ? target : "", false);
  if (!conflict) return <Problem error={error} />;
  const title = isNew ? "There is a rule with this id already" : "Somebody else has changed the rule meanwhile";
  const detail = isNew ? "Give the text another rule_id, or put it in that rule's place." : "Look at what it is now before you put your text in its place.";
  return (
    <Explained
      intent="warning"
      explanation={{ ...explain(error), title, detail }}
      actions={
        <>
          {/* A page of the portal's own: it may know who is signed in. */}
          <a className={page.dim} href={`/portal${rulePage(subscription, target)}`} target="_blank" rel="opener">
            Look at it
          </a>
          <Button size="small" disabledFocusable={theirs.isFetching || theirs.data?.etag === undefined} onClick={() => onOver(theirs.data?.etag ?? null)}>
            Put mine in its place
          </Button>
        </>
      }
    />
  );
}

/** The rule as the server understands the text. */
function Understood({ check }: { readonly check: RuleCheck | undefined }) {
  const rule = check?.rule;
  if (rule == null) return null;
  return (
    <Card title="What the server understands">
      <Facts>
        <Fact name="Name" wide>
          {rule.displayName ?? "-"}
        </Fact>
        <Fact name="Type">{typeText(rule)}</Fact>
        <Fact name="Severity">
          <Severity severity={rule.severity} />
        </Fact>
        <Fact name="Risk score">{rule.riskScore ?? "-"}</Fact>
        <Fact name="Schedule" wide>
          Every {rule.interval ?? "-"}, over {rule.from ?? "-"} to {rule.to ?? "now"}
        </Fact>
      </Facts>
    </Card>
  );
}
