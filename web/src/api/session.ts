// Who is signed in. The token lives in memory and, so that a reload keeps it, in the tab's sessionStorage; it is never
// part of a URL.

import { Failure } from "./failure";

export interface Session {
  readonly token: string;
  /** Name for people. */
  readonly user: string;
  /** Object id in the directory; null when the token does not say. */
  readonly objectId: string | null;
  /** End of the token's life, milliseconds since 1970. */
  readonly expires: number;
}

const KEY = "hardline.session";

/** Why there is no session. */
export type Absence = "none" | "signedOut" | "expired";

type Listener = () => void;

/** Holds the session; React reads it through `subscribe` and `current`. */
export class SessionStore {
  private session: Session | null = null;
  private why: Absence = "none";
  private timer: ReturnType<typeof setTimeout> | undefined;
  private readonly listeners = new Set<Listener>();

  constructor(
    private readonly storage: Pick<Storage, "getItem" | "setItem" | "removeItem">,
    private readonly now: () => number,
  ) {
    const kept = parseSession(storage.getItem(KEY));
    if (kept && kept.expires > now()) this.start(kept);
    else if (kept) this.end("expired");
  }

  readonly current = (): Session | null => this.session;
  readonly absence = (): Absence => this.why;
  readonly subscribe = (listener: Listener): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  start(session: Session): void {
    clearTimeout(this.timer);
    this.session = session;
    this.storage.setItem(KEY, JSON.stringify(session));
    // A timer longer than 2^31 ms would fire at once.
    const life = Math.min(session.expires - this.now(), 2 ** 31 - 1);
    this.timer = setTimeout(() => this.end("expired"), life);
    this.tell();
  }

  end(why: Absence): void {
    clearTimeout(this.timer);
    this.session = null;
    this.why = why;
    this.storage.removeItem(KEY);
    this.tell();
  }

  private tell(): void {
    for (const listener of this.listeners) listener();
  }
}

function parseSession(text: string | null): Session | null {
  if (text === null) return null;
  try {
    const value = JSON.parse(text) as Partial<Session>;
    if (typeof value.token !== "string" || typeof value.user !== "string" || typeof value.expires !== "number") return null;
    return { token: value.token, user: value.user, objectId: value.objectId ?? null, expires: value.expires };
  } catch {
    return null;
  }
}

/** Reads a token answer to a sign-in that wanted to see `nonce` again. */
export function sessionFrom(body: string, nonce: string, now: number): Session {
  const answer = JSON.parse(body) as { access_token?: unknown; id_token?: unknown; expires_in?: unknown };
  if (typeof answer.access_token !== "string") throw new Failure(200, "NoToken", "The server's answer holds no token.");
  const id = claimsOf(typeof answer.id_token === "string" ? answer.id_token : "");
  if (id.nonce !== nonce) throw new Failure(200, "ForeignToken", "The server's answer belongs to another sign-in.");
  const seconds = Number(answer.expires_in ?? 3600);
  const claims = claimsOf(answer.access_token);
  return {
    token: answer.access_token,
    user: claims.upn ?? claims.unique_name ?? claims.preferred_username ?? "",
    objectId: claims.oid ?? null,
    expires: now + (Number.isFinite(seconds) ? seconds : 3600) * 1000,
  };
}

/** Claims of a JWT, for display only: the server alone judges a token. */
function claimsOf(token: string): Partial<Record<string, string>> {
  try {
    const payload = (token.split(".")[1] ?? "").replaceAll("-", "+").replaceAll("_", "/");
    const bytes = Uint8Array.from(atob(payload), (c) => c.charCodeAt(0));
    return JSON.parse(new TextDecoder().decode(bytes)) as Partial<Record<string, string>>;
  } catch {
    return {};
  }
}
