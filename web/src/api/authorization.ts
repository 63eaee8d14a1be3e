// Signing in: the authorization code grant with PKCE. What a sign-in must show at its end lives in the tab's
// sessionStorage until then; name and password go to the authorization endpoint and nowhere else.

import { Failure, failureFrom } from "./failure";
import { sessionFrom, type Absence, type Session } from "./session";

const CLIENT_ID = "hardline-portal";
const AUTHORIZE = "/adfs/oauth2/authorize";
const KEY = "hardline.signIn";

/** A sign-in that has begun in this tab. */
export interface Begun {
  readonly verifier: string;
  readonly state: string;
  readonly nonce: string;
  /** The page that somebody wanted to see. */
  readonly from: string;
  /** Why there was no session. */
  readonly why: Absence;
}

type Kept = Pick<Storage, "getItem" | "setItem" | "removeItem">;
type Fetch = typeof fetch;

/** Begins a sign-in; the address where it goes on. */
export async function beginSignIn(kept: Kept, origin: string, from: string, why: Absence): Promise<string> {
  const begun: Begun = { verifier: secret(), state: secret(), nonce: secret(), from, why };
  kept.setItem(KEY, JSON.stringify(begun));
  const query = new URLSearchParams({
    response_type: "code",
    client_id: CLIENT_ID,
    redirect_uri: callback(origin),
    scope: `${origin}/.default openid`,
    state: begun.state,
    nonce: begun.nonce,
    code_challenge: await challengeOf(begun.verifier),
    code_challenge_method: "S256",
  });
  return `${AUTHORIZE}?${query.toString()}`;
}

/** The sign-in that the page with this query is part of; null when it was begun elsewhere, or is over. */
export function begunSignIn(kept: Pick<Storage, "getItem">, query: URLSearchParams): Begun | null {
  const begun = parse(kept.getItem(KEY));
  return begun !== null && query.get("state") === begun.state ? begun : null;
}

/** Gives name and password; the address where it goes on. Throws [`Failure`]. */
export async function proveIdentity(
  origin: string, query: URLSearchParams, user: string, password: string, http: Fetch = plainFetch,
): Promise<string> {
  const form = new URLSearchParams(query);
  form.set("username", user);
  form.set("password", password);
  let answer: { redirect?: unknown };
  try {
    answer = JSON.parse(await post(AUTHORIZE, form, http)) as { redirect?: unknown };
  } catch (error) {
    if (error instanceof Failure && error.code === "invalid_grant") {
      throw new Failure(error.status, error.code, "The name or the password is wrong.");
    }
    throw error;
  }
  const { redirect } = answer;
  if (typeof redirect !== "string" || !redirect.startsWith(`${callback(origin)}?`)) {
    throw new Failure(200, "NoCode", "The server's answer does not lead back here.");
  }
  return redirect;
}

/** The name of the outside identity provider that the operator configured; null when there is none. */
export async function identityProvider(http: Fetch = plainFetch): Promise<string | null> {
  try {
    const response = await http("/adfs/.well-known/openid-configuration", { credentials: "omit" });
    const document = (await response.json()) as { hardline_identity_provider?: unknown };
    const name = document.hardline_identity_provider;
    return response.ok && typeof name === "string" && name !== "" ? name : null;
  } catch {
    // Name and password are still there.
    return null;
  }
}

/** Where the sign-in with this query goes on at the identity provider. */
export function identityProviderAddress(query: URLSearchParams): string {
  return `/adfs/oauth2/federation?${query.toString()}`;
}

/** Ends a sign-in with what came back: a session, and the page that was wanted. Works once. Throws [`Failure`]. */
export async function endSignIn(
  kept: Kept, origin: string, query: URLSearchParams, now: () => number, http: Fetch = plainFetch,
): Promise<{ session: Session; from: string }> {
  const begun = begunSignIn(kept, query);
  // Whoever sends a person here with a code of their own would sign that person in as somebody else.
  if (begun === null) throw new Failure(0, "ForeignSignIn", "This sign-in was not begun in this tab, or is over.");
  kept.removeItem(KEY);
  const error = query.get("error");
  if (error !== null) throw new Failure(0, error, query.get("error_description") ?? "The sign-in was refused.");
  const form = new URLSearchParams({
    grant_type: "authorization_code",
    client_id: CLIENT_ID,
    code: query.get("code") ?? "",
    redirect_uri: callback(origin),
    code_verifier: begun.verifier,
  });
  const body = await post("/adfs/oauth2/token", form, http);
  return { session: sessionFrom(body, begun.nonce, now()), from: begun.from };
}

async function post(path: string, form: URLSearchParams, http: Fetch): Promise<string> {
  let response: Response;
  try {
    response = await http(path, { method: "POST", body: form, credentials: "omit", cache: "no-store" });
  } catch {
    throw new Failure(0, "Unreachable", "No answer came. Check the network and whether the server is running.");
  }
  const body = await response.text();
  if (!response.ok) throw failureFrom(response.status, body, null);
  return body;
}

const plainFetch: Fetch = (input, init) => fetch(input, init);

function callback(origin: string): string {
  return `${origin}/portal/signed-in`;
}

/** 32 random bytes, base64url. */
function secret(): string {
  return base64url(crypto.getRandomValues(new Uint8Array(32)));
}

/** RFC 7636, section 4.2. */
export async function challengeOf(verifier: string): Promise<string> {
  return base64url(new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(verifier))));
}

function base64url(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

function parse(text: string | null): Begun | null {
  if (text === null) return null;
  try {
    const value = JSON.parse(text) as Partial<Begun>;
    const { verifier, state, nonce, from, why } = value;
    if (typeof verifier !== "string" || typeof state !== "string" || typeof nonce !== "string") return null;
    // A path of the portal's own, never `//elsewhere`.
    const own = typeof from === "string" && /^\/(?!\/)/.test(from) ? from : "/vms";
    return { verifier, state, nonce, from: own, why: why ?? "none" };
  } catch {
    return null;
  }
}
