// What can be done at a console beside typing.

import {
  Button, makeStyles, Menu, MenuDivider, MenuGroup, MenuGroupHeader, MenuItem, MenuItemCheckbox, MenuList, MenuPopover, MenuTrigger, Toolbar,
  ToolbarDivider, Tooltip,
} from "@fluentui/react-components";
import {
  ClipboardPasteRegular, CopyRegular, FlashRegular, FontDecreaseRegular, FontIncreaseRegular, FullScreenMaximizeRegular, FullScreenMinimizeRegular,
  KeyboardRegular, MoreHorizontalRegular, PlugConnectedRegular, PlugDisconnectedRegular, PowerRegular, SearchRegular,
} from "@fluentui/react-icons";
import type { KeyboardEvent, Ref } from "react";
import { SYSRQ, type SysRqKey } from "./sysrq";
import { isLeaveKey } from "./terminal";

const useStyles = makeStyles({
  bar: { padding: 0, gap: "2px", flexWrap: "wrap", flexShrink: 0, "& button": { minWidth: "auto" } },
  grow: { flexGrow: 1 },
  key: { fontFamily: "monospace", fontWeight: 600, fontSize: "14px", lineHeight: "20px" },
  list: { maxHeight: "70vh", overflowY: "auto" },
});

/** Keys that a browser keeps for itself or that some keyboards lack. */
const KEYS: readonly (readonly [string, string])[] = [
  ["Ctrl+C", "\x03"], ["Ctrl+D", "\x04"], ["Ctrl+Z", "\x1a"], ["Ctrl+W", "\x17"], ["Ctrl+T", "\x14"], ["Ctrl+N", "\x0e"], ["Ctrl+]", "\x1d"],
  ["Esc", "\x1b"], ["Tab", "\t"], ["F2", "\x1bOQ"], ["F8", "\x1b[19~"], ["F10", "\x1b[21~"], ["F11", "\x1b[23~"], ["F12", "\x1b[24~"], ["Delete", "\x1b[3~"],
];

export interface ToolbarProps {
  readonly ref: Ref<HTMLButtonElement>;
  readonly connected: boolean;
  readonly writer: boolean;
  /** Whether there is a running machine to act on. */
  readonly running: boolean;
  readonly maximised: boolean;
  readonly screenReader: boolean;
  readonly onConnect: () => void;
  readonly onDisconnect: () => void;
  readonly onKeys: (text: string) => void;
  readonly onPaste: () => void;
  readonly onCopy: () => void;
  readonly onBreak: () => void;
  readonly onNmi: () => void;
  readonly onReset: () => void;
  readonly onSysRq: (key: SysRqKey) => void;
  readonly onFont: (step: number) => void;
  readonly onFind: () => void;
  readonly onMaximise: () => void;
  readonly onScreenReader: (on: boolean) => void;
  readonly onTellSize: () => void;
  readonly onHelp: () => void;
  /** Back to the terminal; with Ctrl+] the guest gets that key. */
  readonly onBack: (sendLeaveKey: boolean) => void;
}

export function ConsoleToolbar(props: ToolbarProps) {
  const styles = useStyles();
  // Fluent's button may be a link too, and its type then allows no common ref.
  const first = props.ref as Ref<never>;
  const onKeyDown = (event: KeyboardEvent): void => {
    // A menu's keys come here too, though it stands elsewhere in the page: they are the menu's.
    if (!event.currentTarget.contains(event.target as Node)) return;
    if (isLeaveKey(event.nativeEvent)) {
      event.preventDefault();
      props.onBack(event.key !== "F6");
    } else if (event.key === "Escape") props.onBack(false);
  };
  return (
    <Toolbar aria-label="Console" size="small" className={styles.bar} onKeyDown={onKeyDown}>
      {props.connected ? (
        <Button ref={first} size="small" appearance="subtle" icon={<PlugDisconnectedRegular />} onClick={props.onDisconnect}>
          Disconnect
        </Button>
      ) : (
        <Button ref={first} size="small" appearance="subtle" icon={<PlugConnectedRegular />} onClick={props.onConnect}>
          Connect
        </Button>
      )}
      <ToolbarDivider />
      <Button size="small" appearance="subtle" disabledFocusable={!props.writer} onClick={() => props.onKeys("\x03")} title="Send Ctrl+C to the guest">
        Ctrl+C
      </Button>
      <KeysMenu {...props} />
      <Tooltip content="Copy the selection (Ctrl+Shift+C)" relationship="label">
        <Button size="small" appearance="subtle" icon={<CopyRegular />} onClick={props.onCopy} />
      </Tooltip>
      <Tooltip content="Paste (Ctrl+Shift+V)" relationship="label">
        <Button size="small" appearance="subtle" icon={<ClipboardPasteRegular />} disabledFocusable={!props.writer} onClick={props.onPaste} />
      </Tooltip>
      <ToolbarDivider />
      <Button size="small" appearance="subtle" disabledFocusable={!props.running} onClick={props.onBreak} title="Send a BREAK on the serial line">
        BREAK
      </Button>
      <SysRqMenu {...props} />
      <Button size="small" appearance="subtle" icon={<FlashRegular />} disabledFocusable={!props.running} onClick={props.onNmi} title="Send a non-maskable interrupt">
        NMI
      </Button>
      <Button size="small" appearance="subtle" icon={<PowerRegular />} disabledFocusable={!props.running} onClick={props.onReset} title="Reset the machine at once">
        Reset
      </Button>
      <span className={styles.grow} />
      <Tooltip content="Find (Ctrl+Shift+F)" relationship="label">
        <Button size="small" appearance="subtle" icon={<SearchRegular />} onClick={props.onFind} />
      </Tooltip>
      <Tooltip content="Smaller text" relationship="label">
        <Button size="small" appearance="subtle" icon={<FontDecreaseRegular />} onClick={() => props.onFont(-1)} />
      </Tooltip>
      <Tooltip content="Larger text" relationship="label">
        <Button size="small" appearance="subtle" icon={<FontIncreaseRegular />} onClick={() => props.onFont(1)} />
      </Tooltip>
      <Tooltip content={props.maximised ? "Leave full screen" : "Full screen"} relationship="label">
        <Button size="small" appearance="subtle" icon={props.maximised ? <FullScreenMinimizeRegular /> : <FullScreenMaximizeRegular />} onClick={props.onMaximise} />
      </Tooltip>
      <MoreMenu {...props} />
    </Toolbar>
  );
}

function KeysMenu(props: ToolbarProps) {
  return (
    <Menu>
      <MenuTrigger disableButtonEnhancement>
        <Button size="small" appearance="subtle" icon={<KeyboardRegular />} disabledFocusable={!props.writer}>
          Keys
        </Button>
      </MenuTrigger>
      <MenuPopover>
        <MenuList>
          <MenuGroup>
            <MenuGroupHeader>Send to the guest</MenuGroupHeader>
            {KEYS.map(([label, bytes]) => (
              <MenuItem key={label} onClick={() => props.onKeys(bytes)}>
                {label}
              </MenuItem>
            ))}
          </MenuGroup>
        </MenuList>
      </MenuPopover>
    </Menu>
  );
}

function SysRqMenu(props: ToolbarProps) {
  const styles = useStyles();
  return (
    <Menu>
      <MenuTrigger disableButtonEnhancement>
        <Button size="small" appearance="subtle" disabledFocusable={!props.running} title="Linux: a BREAK and then a key, read by the kernel itself even when nothing else answers">
          SysRq
        </Button>
      </MenuTrigger>
      <MenuPopover>
        <MenuList className={styles.list}>
          {SYSRQ.map(({ group, keys }, i) => (
            <MenuGroup key={group}>
              {i > 0 && <MenuDivider />}
              <MenuGroupHeader>{group}</MenuGroupHeader>
              {keys.map((key) => (
                <MenuItem key={key.key} icon={<span className={styles.key}>{key.key}</span>} onClick={() => props.onSysRq(key)}>
                  {key.label}
                  {key.warning !== undefined && " …"}
                </MenuItem>
              ))}
            </MenuGroup>
          ))}
        </MenuList>
      </MenuPopover>
    </Menu>
  );
}

function MoreMenu(props: ToolbarProps) {
  return (
    <Menu checkedValues={{ options: props.screenReader ? ["reader"] : [] }} onCheckedValueChange={(_e, data) => props.onScreenReader(data.checkedItems.includes("reader"))}>
      <MenuTrigger disableButtonEnhancement>
        <Tooltip content="More" relationship="label">
          <Button size="small" appearance="subtle" icon={<MoreHorizontalRegular />} />
        </Tooltip>
      </MenuTrigger>
      <MenuPopover>
        <MenuList>
          <MenuItem disabled={!props.writer} onClick={props.onTellSize}>
            Type the window's size (stty) …
          </MenuItem>
          <MenuItemCheckbox name="options" value="reader">
            Screen reader mode
          </MenuItemCheckbox>
          <MenuItem onClick={props.onHelp}>Keyboard help</MenuItem>
        </MenuList>
      </MenuPopover>
    </Menu>
  );
}
