// What the author of a rule says to whoever looks into its alerts.

import { Card } from "./facts";
import { Guide } from "./guide";
import { usePageStyles } from "./page";

/** The guide and the harmless causes; `otherwise` stands where there is no guide. */
export function GuideCards({ guide, causes, otherwise = "The rule has no guide." }: { readonly guide: string | undefined; readonly causes: readonly string[] | undefined; readonly otherwise?: string }) {
  const page = usePageStyles();
  return (
    <>
      <Card title="Guide">{guide !== undefined && guide !== "" ? <Guide text={guide} /> : <p className={page.none}>{otherwise}</p>}</Card>
      {causes !== undefined && causes.length > 0 && (
        <Card title="Harmless causes">
          {causes.map((cause) => (
            <Guide key={cause} text={cause} />
          ))}
        </Card>
      )}
    </>
  );
}
