// What is beside a rule: the threat it is about, its guide, where it comes from.

import type { ReactNode } from "react";
import type { RuleProperties, Threat, ThreatName } from "../api/detection";
import { Card } from "../parts/facts";
import { Guide, Outside } from "../parts/guide";
import { GuideCards } from "../parts/guide-cards";
import { safeLink } from "../parts/markdown";
import { usePageStyles } from "../parts/page";

export function RuleAside({ p }: { readonly p: RuleProperties }) {
  const page = usePageStyles();
  const threats = p.threat ?? [];
  const references = p.references ?? [];
  return (
    <div className={page.column}>
      {threats.length > 0 && (
        <Card title="Threat">
          {threats.map((threat, i) => (
            <ThreatOf key={i} threat={threat} />
          ))}
        </Card>
      )}
      <GuideCards guide={p.guide} causes={p.falsePositives} />
      {p.setup !== undefined && p.setup !== "" && (
        <Card title="Setup">
          <Guide text={p.setup} />
        </Card>
      )}
      {references.length > 0 && (
        <Card title="References">
          <ul className={page.list} style={{ overflowWrap: "anywhere" }}>
            {references.map((reference) => (
              <li key={reference}>
                <Linked to={reference}>{reference}</Linked>
              </li>
            ))}
          </ul>
        </Card>
      )}
      <Card title="Origin">
        <p className={page.none}>
          {p.builtIn === true ? "Comes with the product" : "Loaded"}
          {p.author !== undefined && p.author.length > 0 ? `, by ${p.author.join(", ")}` : ""}
          {p.version !== undefined ? `, version ${p.version}` : ""}
          {p.license !== undefined && p.license !== "" ? `, ${p.license}` : ""}.
        </p>
      </Card>
    </div>
  );
}

/** A link when it may be one, else only its text. */
function Linked({ to, children }: { readonly to: string | undefined; readonly children: ReactNode }) {
  const safe = safeLink(to ?? "");
  return safe === null ? <>{children}</> : <Outside to={safe}>{children}</Outside>;
}

function ThreatOf({ threat }: { readonly threat: Threat }) {
  const page = usePageStyles();
  const named = (t: ThreatName): ReactNode => <Linked to={t.reference}>{[t.id, t.name].filter(Boolean).join(" ")}</Linked>;
  return (
    <ul className={page.list} style={{ listStyle: "none", padding: 0 }}>
      <li>
        <span className={page.dim}>{threat.framework} </span>
        {threat.tactic !== undefined && named(threat.tactic)}
        <ul className={page.list}>
          {(threat.techniques ?? []).map((technique, i) => (
            <li key={i}>
              {named(technique)}
              {(technique.subtechniques ?? []).length > 0 && (
                <ul className={page.list}>
                  {technique.subtechniques?.map((sub, j) => (
                    <li key={j}>{named(sub)}</li>
                  ))}
                </ul>
              )}
            </li>
          ))}
        </ul>
      </li>
    </ul>
  );
}
