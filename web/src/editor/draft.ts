// What somebody has written and not saved: kept in the tab, for the same person only.

type Kept = Pick<Storage, "getItem" | "setItem" | "removeItem">;

/** The name under which `user`'s draft of a rule is kept. */
export function draftKey(user: string, subscription: string, rule: string): string {
  return `hardline.draft:${[user, subscription, rule].map(encodeURIComponent).join("/")}`;
}

/** A text, and the version of the rule it was written over; null for a new rule. */
export interface Draft {
  readonly text: string;
  readonly etag: string | null;
}

export function readDraft(kept: Kept, key: string): Draft | null {
  try {
    const draft = JSON.parse(kept.getItem(key) ?? "null") as Partial<Draft> | null;
    return typeof draft?.text === "string" ? { text: draft.text, etag: typeof draft.etag === "string" ? draft.etag : null } : null;
  } catch {
    return null;
  }
}

export function keepDraft(kept: Kept, key: string, draft: Draft): void {
  try {
    kept.setItem(key, JSON.stringify(draft));
  } catch {
    // The tab's storage is full: the text is still on the screen.
  }
}

export function clearDraft(kept: Kept, key: string): void {
  kept.removeItem(key);
}
