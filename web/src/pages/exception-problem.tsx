// Why exceptions were not changed: what the server says against them, or that somebody else was faster.

import { MessageBar, MessageBarBody, MessageBarTitle } from "@fluentui/react-components";
import { saidAgainst } from "../api/exceptions";
import { explain, Failure } from "../api/failure";
import { Explained, Problem } from "../parts/problem";

/** `what` was not done: "added" or "removed". */
export function ExceptionProblem({ error, what }: { readonly error: unknown; readonly what: "added" | "removed" }) {
  if (error instanceof Failure && error.status === 412) {
    const detail = `The exception was not ${what}. The rule is loaded anew${what === "added" ? ", and what you have written is still here" : ""}: look at its exceptions, and try again.`;
    return <Explained intent="warning" explanation={{ ...explain(error), title: "Somebody else has changed the rule meanwhile", detail }} />;
  }
  if (!(error instanceof Failure) || error.status !== 400 || error.details.length === 0) return <Problem error={error} />;
  const said = saidAgainst(error.details);
  return (
    <MessageBar intent="error" layout="multiline" politeness="assertive" style={{ flexShrink: 0 }}>
      <MessageBarBody style={{ whiteSpace: "normal", padding: "6px 0", overflowWrap: "anywhere" }}>
        <MessageBarTitle>The exception was not {what}</MessageBarTitle> {said.length === 1 && said[0]}
        {said.length > 1 && (
          <ul style={{ margin: "4px 0 0", paddingLeft: 18 }}>
            {said.map((text) => (
              <li key={text}>{text}</li>
            ))}
          </ul>
        )}
      </MessageBarBody>
    </MessageBar>
  );
}
