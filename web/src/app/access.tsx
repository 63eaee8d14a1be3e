// The session and the client of whoever is signed in, for every page.

import { createContext, useContext, useMemo, useSyncExternalStore, type ReactNode } from "react";
import { ArmClient } from "../api/client";
import { SessionStore, type Session } from "../api/session";

const store = new SessionStore(window.sessionStorage, () => Date.now());

interface Access {
  readonly session: Session | null;
  readonly sessions: SessionStore;
  readonly arm: ArmClient;
}

const AccessContext = createContext<Access | null>(null);

export function AccessRoot({ children }: { readonly children: ReactNode }) {
  const session = useSyncExternalStore(store.subscribe, store.current);
  const arm = useMemo(
    () => new ArmClient(window.location.origin, () => store.current()?.token ?? null, () => store.end("expired")),
    [],
  );
  const value = useMemo(() => ({ session, sessions: store, arm }), [session, arm]);
  return <AccessContext value={value}>{children}</AccessContext>;
}

export function useAccess(): Access {
  const access = useContext(AccessContext);
  if (access === null) throw new Error("useAccess outside of AccessRoot");
  return access;
}
