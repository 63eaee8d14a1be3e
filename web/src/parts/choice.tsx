// One of a few, with its label in the same line: for filters.

import { makeStyles, Select, tokens } from "@fluentui/react-components";
import { useId } from "react";

const useStyles = makeStyles({
  choice: { display: "inline-flex", alignItems: "center", gap: "8px", fontSize: "12px", color: tokens.colorNeutralForeground2, minWidth: 0, whiteSpace: "nowrap" },
  select: { maxWidth: "220px", "& select": { textOverflow: "ellipsis" } },
});

export function Choice({
  label, value, options, onChoose,
}: {
  readonly label: string;
  readonly value: string;
  /** Values with their texts. */
  readonly options: readonly (readonly [string, string])[];
  readonly onChoose: (value: string) => void;
}) {
  const styles = useStyles();
  const id = useId();
  return (
    <span className={styles.choice}>
      <label htmlFor={id}>{label}</label>
      <Select id={id} size="small" className={styles.select} value={value} onChange={(_event, data) => onChoose(data.value)}>
        {options.map(([key, text]) => (
          <option key={key} value={key}>
            {text}
          </option>
        ))}
      </Select>
    </span>
  );
}
