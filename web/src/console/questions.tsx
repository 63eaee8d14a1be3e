// What the console asks before it acts.

import type { Question } from "../parts/confirm";
import type { SysRqKey } from "./sysrq";

const PREVIEW = 600;

export const question = {
  paste: (vm: string, size: string, lines: number, text: string): Question => ({
    title: `Paste ${lines > 1 ? `${lines} lines` : size} into ${vm}?`,
    body: (
      <>
        <p>On a serial console every line end is Enter: each line runs at once.</p>
        <pre tabIndex={0} aria-label="What will be pasted" style={{ maxHeight: 220, overflow: "auto", padding: 8, fontSize: 12, border: "1px solid currentColor", borderRadius: 4, whiteSpace: "pre-wrap", overflowWrap: "anywhere" }}>
          {text.slice(0, PREVIEW)}
          {text.length > PREVIEW && " …"}
        </pre>
      </>
    ),
    action: "Paste",
  }),
  link: (url: string): Question => ({
    title: "Open a link that the guest printed?",
    body: <p style={{ overflowWrap: "anywhere" }}>{url}</p>,
    action: "Open in a new tab",
  }),
  nmi: (vm: string): Question => ({
    title: `Send an NMI to ${vm}?`,
    body: "A non-maskable interrupt reaches a guest that answers nothing else. Windows, and Linux where it is set up so, stop with a crash dump: what is not saved is lost.",
    action: "Send NMI",
    danger: true,
  }),
  reset: (vm: string): Question => ({
    title: `Reset ${vm}?`,
    body: "As with the button on the case: the guest is not asked, nothing is saved, the machine boots again.",
    action: "Reset",
    danger: true,
  }),
  sysRq: (vm: string, key: SysRqKey): Question => ({
    title: `Send SysRq ${key.key} to ${vm}?`,
    body: `${key.label}. ${key.warning ?? ""}`,
    action: `Send SysRq ${key.key}`,
    danger: true,
  }),
  stty: (command: string): Question => ({
    title: "Type the window's size into the shell?",
    body: (
      <p>
        A serial line cannot tell the guest how large this window is. At a shell prompt, <code>{command}</code> does: it is typed for you, with Enter.
      </p>
    ),
    action: "Type it",
  }),
  clipboard: {
    title: "The browser does not let this page read the clipboard",
    body: "Click into the terminal and press Ctrl+Shift+V.",
    action: "OK",
    told: true,
  } satisfies Question,
} as const;

const KEYS: readonly (readonly [string, string])[] = [
  ["Ctrl+]", "leaves the terminal for the toolbar; again: the guest gets Ctrl+]"],
  ["Ctrl+F6", "leaves the terminal, on keyboards where ] needs AltGr"],
  ["Esc", "in the toolbar: back to the terminal"],
  ["Ctrl+Shift+C", "copies the selection"],
  ["Ctrl+Shift+V", "pastes"],
  ["Ctrl+Shift+F", "finds in the terminal"],
  ["Shift+PageUp", "scrolls back"],
];

export const KEYBOARD_HELP: Question = {
  title: "Keys of the console",
  body: (
    <>
      <p>Every other key goes to the guest.</p>
      <dl style={{ display: "grid", gridTemplateColumns: "max-content 1fr", gap: "4px 16px", margin: 0 }}>
        {KEYS.map(([key, what]) => (
          <div key={key} style={{ display: "contents" }}>
            <dt>
              <kbd>{key}</kbd>
            </dt>
            <dd style={{ margin: 0 }}>{what}</dd>
          </div>
        ))}
      </dl>
    </>
  ),
  action: "Close",
  told: true,
};
