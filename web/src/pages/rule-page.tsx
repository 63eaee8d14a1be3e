// One rule: what it finds, how it runs, what it would have said, and the guide for its alerts.

import { Badge, Button, makeStyles, mergeClasses, MessageBar, MessageBarBody, MessageBarTitle, Switch } from "@fluentui/react-components";
import { CopyAddRegular, DeleteRegular, EditRegular } from "@fluentui/react-icons";
import { Link, useNavigate, useParams } from "react-router";
import { valueText, type Rule, type RuleProperties } from "../api/detection";
import { useMay, useRule, useRuleDelete, useRuleSwitch } from "../api/detection-queries";
import { operations } from "../api/operations";
import { useAsk } from "../parts/confirm";
import { Card, Copyable, Fact, Facts, Fold } from "../parts/facts";
import { One } from "../parts/one";
import { usePageStyles } from "../parts/page";
import { Explained, Problem, Stale } from "../parts/problem";
import { Severity, Standing } from "../parts/standing";
import { Time } from "../parts/time";
import { RuleAside } from "./rule-aside";
import { RuleExceptions } from "./rule-exceptions";
import { RuleTrial } from "./rule-trial";
import { typeText } from "./rules";

const useStyles = makeStyles({
  code: { marginBottom: "8px", whiteSpace: "pre" },
});

export function RulePage() {
  const { subscription = "", id = "" } = useParams();
  const query = useRule(subscription, id);
  return (
    <One query={query} kind="rule" name={query.data?.properties?.displayName} all="/rules">
      {(rule) => <About rule={rule} subscription={subscription} stale={query.error} />}
    </One>
  );
}

function About({ rule, subscription, stale }: { readonly rule: Rule; readonly subscription: string; readonly stale: unknown }) {
  const page = usePageStyles();
  const navigate = useNavigate();
  const ask = useAsk();
  const turn = useRuleSwitch();
  const remove = useRuleDelete();
  const p = rule.properties ?? {};
  const name = p.displayName ?? rule.name;
  const own = p.builtIn !== true;
  const mayWrite = useMay(subscription, operations.DetectionRulePut);
  const mayDelete = useMay(subscription, operations.DetectionRuleDelete);
  const at = `/rules/${encodeURIComponent(subscription)}`;
  const askToRemove = async (): Promise<void> => {
    const body = "It looks at nothing any more, and its text is lost. Its alerts stay.";
    if (await ask({ title: `Delete ${name}?`, body, action: "Delete", danger: true })) {
      remove.mutate(rule, { onSuccess: () => void navigate("/rules", { replace: true }) });
    }
  };
  return (
    <div className={page.page}>
      <div className={page.head}>
        <Severity severity={p.severity} />
        <h1 className={page.title}>{name}</h1>
        <span role="status" aria-label="State">
          <Standing state={p.state} />
        </span>
        <div className={page.actions} role="group" aria-label="Rule">
          <Switch
            label="Enabled"
            checked={turn.isPending ? turn.variables.enabled : p.enabled === true}
            disabled={p.state === "unsupported" || !mayWrite}
            onChange={(_event, data) => turn.mutate({ rule, enabled: data.checked })}
          />
          {own && mayWrite && (
            <Button size="small" icon={<EditRegular />} onClick={() => void navigate(`${at}/${encodeURIComponent(rule.name)}/edit`)}>
              Edit
            </Button>
          )}
          {mayWrite && (
            <Button size="small" icon={<CopyAddRegular />} onClick={() => void navigate(`${at}/new?from=${encodeURIComponent(rule.name)}`)}>
              Copy as a new rule
            </Button>
          )}
          {own && mayDelete && (
            <Button size="small" icon={<DeleteRegular />} disabledFocusable={remove.isPending} onClick={() => void askToRemove()}>
              Delete
            </Button>
          )}
        </div>
      </div>
      <div className={page.scroll}>
        <div className={page.notes}>
          <Stale error={stale} />
          {turn.isError && <Problem error={turn.error} />}
          {remove.isError && <Problem error={remove.error} />}
          <Remarks intent="warning" title="It cannot run here" texts={p.reasons} />
          <Remarks intent="warning" title="It may never find anything" texts={p.findings} />
          <Remarks intent="info" title="To know" texts={p.notes} />
        </div>
        <div className={page.body}>
          <div className={page.column}>
            <Finds rule={rule} />
            <Runs p={p} subscription={subscription} name={rule.name} />
            <RuleTrial subscription={subscription} what={{ rule: rule.name }} off={p.state === "unsupported" ? "A rule that cannot run cannot be tried." : undefined} />
            <RuleExceptions rule={rule} subscription={subscription} />
            {p.source !== undefined && p.source !== "" && (
              <Fold title="Text of the rule">
                {() => (
                  <pre className={page.code} style={{ maxHeight: 480, marginTop: 8 }} tabIndex={0} aria-label="The rule as TOML">
                    {p.source}
                  </pre>
                )}
              </Fold>
            )}
          </div>
          <RuleAside p={p} />
        </div>
      </div>
    </div>
  );
}

/** What is to be said about a rule; nothing when there is nothing. */
export function Remarks({ intent, title, texts }: { readonly intent: "warning" | "info"; readonly title: string; readonly texts: readonly string[] | undefined }) {
  if (texts === undefined || texts.length === 0) return null;
  return (
    <MessageBar intent={intent} layout="multiline" style={{ flexShrink: 0 }}>
      <MessageBarBody style={{ padding: "6px 0", overflowWrap: "anywhere" }}>
        <MessageBarTitle>{title}</MessageBarTitle> {texts.length === 1 ? texts[0] : null}
        {texts.length > 1 && (
          <ul style={{ margin: "4px 0 0", paddingLeft: 18 }}>
            {texts.map((text) => (
              <li key={text}>{text}</li>
            ))}
          </ul>
        )}
      </MessageBarBody>
    </MessageBar>
  );
}

function Finds({ rule }: { readonly rule: Rule }) {
  const page = usePageStyles();
  const styles = useStyles();
  const p = rule.properties ?? {};
  return (
    <Card title="What it finds">
      {p.description !== undefined && (
        <p className={page.lead} style={{ marginBottom: 10 }}>
          {p.description.trim()}
        </p>
      )}
      {p.query !== undefined && (
        <pre className={mergeClasses(page.code, styles.code)} tabIndex={0} aria-label="Query">
          {p.query.trim()}
        </pre>
      )}
      <Facts>
        <Fact name="Type">
          {typeText(p)}
          {p.language !== undefined && <span className={page.dim}>{p.language}</span>}
        </Fact>
        <Fact name="Risk score">{p.riskScore ?? "-"}</Fact>
        {p.newTerms !== undefined && (
          <Fact name="New when" wide>
            {listText(p.newTerms.fields)} was not seen since {p.newTerms.historyWindowStart ?? "-"}
          </Fact>
        )}
        {p.threshold !== undefined && (
          <Fact name="Threshold" wide>
            {thresholdText(p.threshold)}
          </Fact>
        )}
        {p.suppression !== undefined && (
          <Fact name="Suppression" wide>
            {valueText(p.suppression)}
          </Fact>
        )}
        <Fact name="Reads" wide>
          {listText(p.index)}
        </Fact>
        <Fact name="Tags" wide>
          {(p.tags ?? []).length === 0
            ? "-"
            : p.tags?.map((tag) => (
                <Badge key={tag} appearance="outline" color="informative">
                  {tag}
                </Badge>
              ))}
        </Fact>
        <Fact name="Rule id" wide>
          <Copyable what="rule id" text={rule.name} />
        </Fact>
      </Facts>
    </Card>
  );
}

const listText = (list: readonly string[] | undefined): string => (list === undefined || list.length === 0 ? "-" : list.join(", "));

function thresholdText(threshold: NonNullable<RuleProperties["threshold"]>): string {
  const by = (threshold.field ?? []).length === 0 ? "" : ` with the same ${listText(threshold.field)}`;
  const distinct = (threshold.cardinality ?? []).map(({ field, value }) => ` and ${value ?? "?"} different ${field ?? "?"}`).join("");
  return `at least ${threshold.value ?? 1} events${by}${distinct}`;
}

function Runs({ p, subscription, name }: { readonly p: RuleProperties; readonly subscription: string; readonly name: string }) {
  const page = usePageStyles();
  const run = p.lastRun;
  return (
    <Card title="How it runs">
      <Facts>
        <Fact name="Schedule">
          Every {p.interval ?? "-"}, over {p.from ?? "-"} to {p.to ?? "now"}
        </Fact>
        <Fact name="By the time of">{p.timestampOverride ?? "@timestamp"}</Fact>
        <Fact name="Most alerts">{p.maxSignals ?? "-"} in one run</Fact>
        <Fact name="Next run">{p.state === "running" ? <Time at={p.nextRun ?? undefined} /> : "None"}</Fact>
        <Fact name="Last run">
          <Time at={run?.startedAt} />
        </Fact>
        {run != null && (
          <>
            <Fact name="It looked at">
              <span>
                {(run.events ?? 0).toLocaleString()} {run.events === 1 ? "event" : "events"}
                {(run.windows ?? 1) > 1 ? ` in ${run.windows} windows` : ""}, <Time at={run.from} /> to <Time at={run.to} />
              </span>
            </Fact>
            <Fact name="It raised">
              <Link to={`/alerts?${new URLSearchParams({ status: "all", rule: name }).toString()}`} data-subscription={subscription}>
                {run.alerts ?? 0} {run.alerts === 1 ? "alert" : "alerts"}
              </Link>
              {(run.suppressed ?? 0) > 0 && <span className={page.dim}>{run.suppressed} suppressed</span>}
            </Fact>
          </>
        )}
      </Facts>
      <div style={{ display: "flex", flexDirection: "column", gap: 8, marginTop: 8 }}>
        {run?.error != null && <Explained explanation={{ title: "The last run failed", detail: run.error }} />}
        <Remarks intent="warning" title="The last run warned" texts={run?.warnings} />
        {run?.gap != null && (
          <MessageBar intent="warning" layout="multiline">
            <MessageBarBody>
              <MessageBarTitle>There is a gap</MessageBarTitle> Nobody looked at <Time at={run.gap.from} /> to <Time at={run.gap.to} />: more runs were missed than are made up for. Try the rule on the past to see
              what was there.
            </MessageBarBody>
          </MessageBar>
        )}
      </div>
    </Card>
  );
}
