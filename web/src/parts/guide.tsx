// A rule's guide, shown: elements of our own for each block, never markup of the guide's.

import { makeStyles, tokens } from "@fluentui/react-components";
import { memo, useMemo, type ReactNode } from "react";
import { parseMarkdown, type Block, type Inline } from "./markdown";

const useStyles = makeStyles({
  guide: {
    fontSize: "13px", lineHeight: 1.5, overflowWrap: "anywhere",
    "& > :first-child": { marginTop: 0 },
    "& > :last-child": { marginBottom: 0 },
    "& h3, & h4, & h5, & h6": { fontSize: "13px", fontWeight: 600, margin: "16px 0 4px" },
    "& h3": { fontSize: "14px" },
    "& p": { margin: "6px 0" },
    "& ul, & ol": { margin: "6px 0", paddingLeft: "20px" },
    "& li": { margin: "3px 0" },
    "& li > p": { margin: "0" },
    "& code": { fontFamily: tokens.fontFamilyMonospace, fontSize: "12px", background: tokens.colorNeutralBackground3, borderRadius: "3px", padding: "1px 4px" },
    "& pre": { background: tokens.colorNeutralBackground3, borderRadius: "4px", padding: "8px 10px", overflowX: "auto", margin: "8px 0" },
    "& pre code": { background: "none", padding: 0 },
    "& blockquote": { margin: "8px 0", padding: "2px 12px", borderLeft: `3px solid ${tokens.colorNeutralStroke1}`, color: tokens.colorNeutralForeground2 },
    "& hr": { border: "none", borderTop: `1px solid ${tokens.colorNeutralStroke2}`, margin: "12px 0" },
    "& table": { borderCollapse: "collapse", display: "block", overflowX: "auto", margin: "8px 0" },
    "& th, & td": { border: `1px solid ${tokens.colorNeutralStroke2}`, padding: "3px 8px", textAlign: "left" },
  },
  outside: { color: tokens.colorBrandForegroundLink, borderRadius: "3px", ":focus-visible": { outline: `2px solid ${tokens.colorStrokeFocus2}` } },
});

/** Shows Markdown. Its headings begin at the third level: they are below one of the page's own. */
export const Guide = memo(function Guide({ text }: { readonly text: string }) {
  const styles = useStyles();
  const blocks = useMemo(() => levelled(parseMarkdown(text)), [text]);
  return <div className={styles.guide}>{blocks.map(showBlock)}</div>;
});

/** The blocks with their highest heading at the first level. */
function levelled(blocks: readonly Block[]): readonly Block[] {
  const highest = Math.min(6, ...blocks.map((block) => (block.is === "heading" ? block.level : 6)));
  return blocks.map((block) => (block.is === "heading" ? { ...block, level: block.level - highest + 1 } : block));
}

/** A link that leaves the portal. */
export function Outside({ to, children }: { readonly to: string; readonly children: ReactNode }) {
  const styles = useStyles();
  return (
    <a className={styles.outside} href={to} target="_blank" rel="noopener noreferrer">
      {children}
    </a>
  );
}

function showBlock(block: Block, key: number): ReactNode {
  switch (block.is) {
    case "heading": {
      const Heading = `h${Math.min(6, block.level + 2)}` as "h3" | "h4" | "h5" | "h6";
      return <Heading key={key}>{block.inside.map(showRun)}</Heading>;
    }
    case "paragraph":
      return <p key={key}>{block.inside.map(showRun)}</p>;
    case "list": {
      const items = block.items.map((item, i) => <li key={i}>{item.map(showBlock)}</li>);
      return block.ordered ? (
        <ol key={key} start={block.start}>
          {items}
        </ol>
      ) : (
        <ul key={key}>{items}</ul>
      );
    }
    case "quote":
      return <blockquote key={key}>{block.blocks.map(showBlock)}</blockquote>;
    case "code":
      return (
        <pre key={key} tabIndex={0}>
          <code>{block.text}</code>
        </pre>
      );
    case "table":
      return (
        <table key={key} tabIndex={0}>
          <thead>
            <tr>
              {block.head.map((cell, i) => (
                <th key={i} scope="col">
                  {cell.map(showRun)}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {block.rows.map((row, i) => (
              <tr key={i}>
                {row.map((cell, j) => (
                  <td key={j}>{cell.map(showRun)}</td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      );
    case "rule":
      return <hr key={key} />;
  }
}

function showRun(run: Inline, key: number): ReactNode {
  switch (run.is) {
    case "text":
      return run.text;
    case "code":
      return <code key={key}>{run.text}</code>;
    case "strong":
      return <strong key={key}>{run.inside.map(showRun)}</strong>;
    case "emphasis":
      return <em key={key}>{run.inside.map(showRun)}</em>;
    case "link":
      return (
        <Outside key={key} to={run.to}>
          {run.inside.map(showRun)}
        </Outside>
      );
  }
}
