// The keys of Linux's SysRq that are of use on a console, and what each does.

export interface SysRqKey {
  readonly key: string;
  readonly label: string;
  /** Set where data or the machine's state is lost; shown before it is sent. */
  readonly warning?: string;
}

export const SYSRQ: readonly { readonly group: string; readonly keys: readonly SysRqKey[] }[] = [
  {
    group: "Look",
    keys: [
      { key: "h", label: "Help: list the keys" },
      { key: "w", label: "Blocked tasks" },
      { key: "t", label: "All tasks" },
      { key: "m", label: "Memory" },
      { key: "l", label: "Backtraces of all processors" },
      { key: "9", label: "Show every kernel message" },
    ],
  },
  {
    group: "Rescue",
    keys: [
      { key: "s", label: "Sync: write everything to disk" },
      { key: "k", label: "Kill this console's programs", warning: "Every program on this console is killed (secure attention key). You will have to log in again." },
      { key: "f", label: "Out-of-memory killer", warning: "The kernel kills the program that uses the most memory." },
      { key: "e", label: "End all programs", warning: "Every program but init is asked to end (SIGTERM)." },
      { key: "i", label: "Kill all programs", warning: "Every program but init is killed (SIGKILL)." },
      { key: "u", label: "Remount read-only", warning: "All file systems become read-only until the next boot." },
    ],
  },
  {
    group: "End",
    keys: [
      { key: "b", label: "Reboot at once", warning: "The machine restarts without writing anything to disk. Send s and u first where you can." },
      { key: "o", label: "Power off", warning: "The machine is powered off." },
      { key: "c", label: "Crash", warning: "The kernel crashes on purpose, to leave a crash dump where one is set up." },
    ],
  },
];
