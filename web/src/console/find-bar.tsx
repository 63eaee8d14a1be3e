import { Button, Input, makeStyles, tokens, Tooltip } from "@fluentui/react-components";
import { ArrowDownRegular, ArrowUpRegular, DismissRegular, SearchRegular } from "@fluentui/react-icons";
import { useEffect, useState } from "react";
import type { ConsoleTerminal, Found } from "./terminal";

const useStyles = makeStyles({
  bar: { display: "flex", alignItems: "center", gap: "4px", flexShrink: 0 },
  count: { fontSize: "12px", color: tokens.colorNeutralForeground2, minWidth: "70px", fontVariantNumeric: "tabular-nums" },
});

/** Finds text in what the terminal still holds. */
export function FindBar({ terminal, onClose }: { readonly terminal: ConsoleTerminal; readonly onClose: () => void }) {
  const styles = useStyles();
  const [text, setText] = useState("");
  const [found, setFound] = useState<Found>({ index: -1, count: 0 });
  useEffect(() => terminal.onFound(setFound), [terminal]);
  useEffect(() => () => terminal.endFind(), [terminal]);
  const go = (back: boolean): void => {
    if (text !== "") terminal.find(text, back);
  };
  return (
    <div className={styles.bar} role="search" onKeyDown={(event) => event.key === "Escape" && onClose()}>
      <Input
        size="small"
        autoFocus
        aria-label="Find in the terminal"
        placeholder="Find in the terminal"
        contentBefore={<SearchRegular />}
        value={text}
        onChange={(_e, data) => {
          setText(data.value);
          if (data.value === "") terminal.endFind();
          else terminal.find(data.value, true);
        }}
        onKeyDown={(event) => event.key === "Enter" && go(!event.shiftKey)}
      />
      <Tooltip content="Older match (Enter)" relationship="label">
        <Button size="small" appearance="subtle" icon={<ArrowUpRegular />} onClick={() => go(true)} />
      </Tooltip>
      <Tooltip content="Newer match (Shift+Enter)" relationship="label">
        <Button size="small" appearance="subtle" icon={<ArrowDownRegular />} onClick={() => go(false)} />
      </Tooltip>
      <span className={styles.count} role="status">
        {text !== "" && (found.count === 0 ? "no match" : found.index < 0 ? `${found.count}+` : `${found.index + 1} of ${found.count}`)}
      </span>
      <Tooltip content="Close" relationship="label">
        <Button size="small" appearance="subtle" icon={<DismissRegular />} onClick={onClose} />
      </Tooltip>
    </div>
  );
}
