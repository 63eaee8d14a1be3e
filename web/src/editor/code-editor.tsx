// A text area with line numbers, colours and underlined problems. The person types into a real text area, so that
// everything a browser and a screen reader can do with text works; a copy of the text beneath it carries the looks.

import { makeStyles, mergeClasses, tokens } from "@fluentui/react-components";
import { memo, useImperativeHandle, useMemo, useRef, type KeyboardEvent, type Ref } from "react";
import type { RuleProblem } from "../api/detection";
import { indent, lineCount, offsetAt, piecesOf, rangeOf, type Kind, type Range } from "./text";

const LINE = 20;

const type = { fontFamily: tokens.fontFamilyMonospace, fontSize: "13px", lineHeight: `${LINE}px`, letterSpacing: "normal", tabSize: 4 } as const;

const useStyles = makeStyles({
  frame: {
    display: "grid", gridTemplateColumns: "max-content minmax(0, 1fr)", gridTemplateRows: "minmax(max-content, 1fr)", overflow: "auto", flexGrow: 1, minHeight: 0, borderRadius: "6px",
    background: tokens.colorNeutralBackground1, border: `1px solid ${tokens.colorNeutralStroke1}`,
    ":focus-within": { outline: `2px solid ${tokens.colorStrokeFocus2}`, outlineOffset: "-1px" },
  },
  numbers: {
    ...type, position: "sticky", left: 0, zIndex: 1, padding: "8px 8px 8px 12px", textAlign: "right", whiteSpace: "pre", userSelect: "none",
    color: tokens.colorNeutralForeground3, background: tokens.colorNeutralBackground2, borderRight: `1px solid ${tokens.colorNeutralStroke2}`,
    fontVariantNumeric: "tabular-nums",
  },
  stack: { position: "relative", minWidth: "max-content" },
  copy: { ...type, margin: 0, padding: "8px 24px 8px 10px", whiteSpace: "pre", minWidth: "100%", color: tokens.colorNeutralForeground1, pointerEvents: "none" },
  area: {
    ...type, position: "absolute", inset: 0, width: "100%", height: "100%", margin: 0, padding: "8px 24px 8px 10px", border: "none", outline: "none", resize: "none",
    overflow: "hidden", whiteSpace: "pre", overflowWrap: "normal", background: "transparent", color: "transparent", caretColor: tokens.colorNeutralForeground1,
    "::selection": { background: "rgba(0, 120, 212, .32)", color: "transparent" },
  },
  bad: { textDecorationLine: "underline", textDecorationStyle: "wavy", textDecorationColor: tokens.colorPaletteRedForeground1, textDecorationThickness: "1px", textUnderlineOffset: "3px", background: tokens.colorPaletteRedBackground1 },
  comment: { color: tokens.colorNeutralForeground3 },
  table: { color: tokens.colorPalettePurpleForeground2 },
  key: { color: tokens.colorBrandForeground1 },
  string: { color: tokens.colorPaletteGreenForeground1 },
  value: { color: tokens.colorPaletteDarkOrangeForeground1 },
});

/** What the page around the editor can do with it. */
export interface EditorHandle {
  /** Puts the cursor at a place and shows it. */
  readonly goTo: (line: number, column: number) => void;
}

export function CodeEditor({
  value, onChange, problems, label, describedBy, handle,
}: {
  readonly value: string;
  readonly onChange: (text: string) => void;
  readonly problems: readonly RuleProblem[];
  readonly label: string;
  readonly describedBy: string;
  readonly handle?: Ref<EditorHandle>;
}) {
  const styles = useStyles();
  const area = useRef<HTMLTextAreaElement>(null);
  const frame = useRef<HTMLDivElement>(null);
  /** Escape was the last key: Tab leaves. */
  const leaving = useRef(false);
  const lines = lineCount(value);
  const numbers = useMemo(() => Array.from({ length: lines }, (_, i) => i + 1).join("\n"), [lines]);

  useImperativeHandle(handle, () => ({
    goTo: (line, column) => {
      const element = area.current;
      if (element === null) return;
      const offset = offsetAt(element.value, line, column);
      element.focus({ preventScroll: true });
      element.setSelectionRange(offset, offset);
      const around = frame.current;
      if (around === null) return;
      const left = columnLeft(element, column);
      around.scrollTo({ top: Math.max(0, (line - 1) * LINE - around.clientHeight / 3), left: left < around.clientWidth * 0.7 ? 0 : left - around.clientWidth / 2 });
    },
  }));

  const onKeyDown = (event: KeyboardEvent<HTMLTextAreaElement>): void => {
    const leave = leaving.current;
    if (event.key !== "Shift") leaving.current = event.key === "Escape";
    if (event.key !== "Tab" || leave || event.ctrlKey || event.altKey || event.metaKey || event.nativeEvent.isComposing) return;
    event.preventDefault();
    const { selectionStart: from, selectionEnd: to } = event.currentTarget;
    const edit = indent(value, { from, to }, event.shiftKey);
    if (edit !== null) replace(event.currentTarget, edit, edit.text, edit.selection);
  };

  return (
    <div className={styles.frame} ref={frame}>
      <div className={styles.numbers} aria-hidden="true">
        {numbers}
      </div>
      <div className={styles.stack}>
        <Copy text={value} problems={problems} />
        <textarea
          ref={area}
          className={styles.area}
          value={value}
          onChange={(event) => onChange(event.currentTarget.value)}
          onKeyDown={onKeyDown}
          onBlur={() => (leaving.current = false)}
          aria-label={label}
          aria-describedby={describedBy}
          aria-invalid={problems.length > 0}
          spellCheck={false}
          autoCapitalize="off"
          autoComplete="off"
          autoCorrect="off"
          wrap="off"
        />
      </div>
    </div>
  );
}

/** How far a column is from the left, in pixels: the type has one width. */
function columnLeft(element: HTMLTextAreaElement, column: number): number {
  const context = document.createElement("canvas").getContext("2d");
  if (context === null) return 0;
  context.font = getComputedStyle(element).font;
  return context.measureText("0").width * (column - 1);
}

/** Replaces a range as if it were typed, so that the browser's undo knows of it. */
function replace(element: HTMLTextAreaElement, range: Range, text: string, selection: Range): void {
  element.setSelectionRange(range.from, range.to);
  if (!document.execCommand("insertText", false, text)) {
    element.setRangeText(text, range.from, range.to, "end");
    element.dispatchEvent(new Event("input", { bubbles: true }));
  }
  element.setSelectionRange(selection.from, selection.to);
}

/** The same text with its looks. */
const Copy = memo(function Copy({ text, problems }: { readonly text: string; readonly problems: readonly RuleProblem[] }) {
  const styles = useStyles();
  const pieces = useMemo(() => {
    const marks = problems.map((problem) => rangeOf(text, problem)).filter((range) => range !== null);
    return piecesOf(text, marks);
  }, [text, problems]);
  const looks: Readonly<Record<Kind, string>> = { text: "", comment: styles.comment, table: styles.table, key: styles.key, string: styles.string, value: styles.value };
  return (
    <pre className={styles.copy} aria-hidden="true">
      {pieces.map((piece, i) => (
        <span key={i} className={mergeClasses(looks[piece.kind], piece.marked && styles.bad)} data-problem={piece.marked ? "" : undefined}>
          {/* A line end alone has no width to underline. */}
          {piece.marked && piece.text === "\n" ? " \n" : piece.text}
        </span>
      ))}
      {/* The last line has its height even when it is empty. */}
      {"\n"}
    </pre>
  );
});
