import { describe, expect, test, vi } from "vitest";
import { beginSignIn, begunSignIn, challengeOf, endSignIn, identityProvider, identityProviderAddress, proveIdentity } from "./authorization";

const ORIGIN = "https://hardline.test";

function storage() {
  const items = new Map<string, string>();
  return {
    items,
    getItem: (key: string) => items.get(key) ?? null,
    setItem: (key: string, value: string) => void items.set(key, value),
    removeItem: (key: string) => void items.delete(key),
  };
}

function server(body: unknown, status = 200) {
  const http = vi.fn(() => Promise.resolve(new Response(JSON.stringify(body), { status })));
  const sent = () => {
    const [path, init] = http.mock.calls[0] as unknown as [string, RequestInit];
    return { path, form: init.body as URLSearchParams };
  };
  return { http: http as unknown as typeof fetch, sent };
}

const jwt = (claims: unknown): string => `x.${btoa(JSON.stringify(claims))}.x`;

async function begun(from = "/vms/s/g/demo") {
  const kept = storage();
  const address = await beginSignIn(kept, ORIGIN, from, "expired");
  const query = new URLSearchParams(address.split("?")[1]);
  return { kept, address, query };
}

describe("a sign-in", () => {
  test("the challenge of RFC 7636, appendix B", async () => {
    expect(await challengeOf("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk")).toBe("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
  });

  test("begins with secrets that stay in the tab", async () => {
    const { kept, address, query } = await begun();
    expect(address.startsWith("/adfs/oauth2/authorize?")).toBe(true);
    expect(Object.fromEntries(query)).toMatchObject({
      response_type: "code", redirect_uri: `${ORIGIN}/portal/signed-in`, code_challenge_method: "S256",
    });
    const mine = begunSignIn(kept, query);
    expect(mine).toMatchObject({ from: "/vms/s/g/demo", why: "expired" });
    expect(address).not.toContain(mine?.verifier);
    expect(await challengeOf(mine?.verifier ?? "")).toBe(query.get("code_challenge"));
    const other = await begun();
    expect(begunSignIn(kept, other.query)).toBeNull();
    expect(begunSignIn(storage(), query)).toBeNull();
  });

  test("name and password go to the authorization endpoint, with the request", async () => {
    const { query } = await begun();
    const { http, sent } = server({ redirect: `${ORIGIN}/portal/signed-in?code=c` });
    expect(await proveIdentity(ORIGIN, query, "ada", "secret", http)).toBe(`${ORIGIN}/portal/signed-in?code=c`);
    expect(sent().path).toBe("/adfs/oauth2/authorize");
    expect(Object.fromEntries(sent().form)).toMatchObject({ username: "ada", password: "secret", state: query.get("state") });
    const wrong = server({ error: "invalid_grant", error_description: "x" }, 400);
    await expect(proveIdentity(ORIGIN, query, "ada", "x", wrong.http)).rejects.toThrow("The name or the password is wrong.");
    for (const redirect of ["https://elsewhere.test/portal/signed-in?code=c", "javascript:alert(1)", undefined]) {
      await expect(proveIdentity(ORIGIN, query, "a", "b", server({ redirect }).http)).rejects.toMatchObject({ code: "NoCode" });
    }
  });

  test("ends with the code and the verifier, once", async () => {
    const { kept, query } = await begun();
    const mine = begunSignIn(kept, query);
    const back = new URLSearchParams({ code: "CODE", state: query.get("state") ?? "" });
    const token = jwt({ upn: "ada@hardline.test", oid: "1" });
    const { http, sent } = server({ access_token: token, id_token: jwt({ nonce: mine?.nonce }), expires_in: 60 });
    const ended = await endSignIn(kept, ORIGIN, back, () => 1000, http);
    expect(ended).toEqual({ session: { token, user: "ada@hardline.test", objectId: "1", expires: 61_000 }, from: "/vms/s/g/demo" });
    expect(sent().path).toBe("/adfs/oauth2/token");
    expect(Object.fromEntries(sent().form)).toMatchObject({ code: "CODE", code_verifier: mine?.verifier });
    await expect(endSignIn(kept, ORIGIN, back, () => 1000, http)).rejects.toMatchObject({ code: "ForeignSignIn" });
  });

  test("another's code is not exchanged, another's token not taken", async () => {
    const { kept, query } = await begun();
    const { http } = server({ access_token: jwt({}), id_token: jwt({ nonce: "other" }) });
    const foreign = new URLSearchParams({ code: "CODE", state: "other" });
    await expect(endSignIn(kept, ORIGIN, foreign, () => 0, http)).rejects.toMatchObject({ code: "ForeignSignIn" });
    expect(http).not.toHaveBeenCalled();
    const back = new URLSearchParams({ code: "CODE", state: query.get("state") ?? "" });
    await expect(endSignIn(kept, ORIGIN, back, () => 0, http)).rejects.toMatchObject({ code: "ForeignToken" });
  });

  test("the operator's identity provider has its name and gets the same request", async () => {
    expect(await identityProvider(server({ hardline_identity_provider: "Example ID" }).http)).toBe("Example ID");
    for (const none of [server({}), server({ hardline_identity_provider: 7 }), server({ hardline_identity_provider: "x" }, 500)]) {
      expect(await identityProvider(none.http)).toBeNull();
    }
    expect(await identityProvider(() => Promise.reject(new TypeError("offline")))).toBeNull();
    const { query } = await begun();
    expect(identityProviderAddress(query)).toBe(`/adfs/oauth2/federation?${query.toString()}`);
  });

  test("says what the server said, and leads to pages of its own only", async () => {
    const { kept, query } = await begun();
    const back = new URLSearchParams({ error: "access_denied", error_description: "No.", state: query.get("state") ?? "" });
    await expect(endSignIn(kept, ORIGIN, back, () => 0)).rejects.toMatchObject({ code: "access_denied", message: "No." });
    const away = await begun("//elsewhere.test/");
    expect(begunSignIn(away.kept, away.query)?.from).toBe("/vms");
  });
});
