// What somebody has written and not saved: kept in the tab, for the same person only.

type Kept = Pick<Storage, "getItem" | "setItem" | "removeItem">;

/** The name under which `user`'s draft of a rule is kept. */
export function draftKey(user: string, subscription: string, rule: string): string {
  return `hardline.draft:${[user, subscription, rule].map(encodeURIComponent).join("/")}`;
}

export function readDraft(kept: Kept, key: string): string | null {
  return kept.getItem(key);
}

export function keepDraft(kept: Kept, key: string, text: string): void {
  try {
    kept.setItem(key, text);
  } catch {
    // The tab's storage is full: the text is still on the screen.
  }
}

export function clearDraft(kept: Kept, key: string): void {
  kept.removeItem(key);
}
