import { Spinner } from "@fluentui/react-components";
import { useQueryClient } from "@tanstack/react-query";
import { lazy, Suspense, useEffect } from "react";
import { Navigate, Outlet, Route, Routes, useLocation } from "react-router";
import { BootDiagnostics } from "../pages/boot-diagnostics";
import { Device } from "../pages/device";
import { Overview } from "../pages/overview";
import { SignedIn, SignIn } from "../pages/sign-in";
import { VmList } from "../pages/vm-list";
import { VmPage } from "../pages/vm-page";
import { NotFound } from "../parts/problem";
import { useAccess } from "./access";
import { Shell } from "./shell";

// The terminal is most of the code; whoever only reads does not wait for it.
const SerialConsole = lazy(() => import("../pages/serial-console"));
const Alerts = lazy(async () => ({ default: (await import("../pages/alerts")).Alerts }));
const AlertPage = lazy(async () => ({ default: (await import("../pages/alert-page")).AlertPage }));
const Rules = lazy(async () => ({ default: (await import("../pages/rules")).Rules }));
const RulePage = lazy(async () => ({ default: (await import("../pages/rule-page")).RulePage }));
const RuleEditor = lazy(async () => ({ default: (await import("../pages/rule-editor")).RuleEditor }));

/** Where a page sends somebody who must sign in first. */
export interface SignInState {
  readonly from?: string;
}

export function App() {
  return (
    <Routes>
      <Route path="/signin" element={<SignIn />} />
      <Route path="/signed-in" element={<SignedIn />} />
      <Route element={<Inside />}>
        <Route index element={<Navigate to="/vms" replace />} />
        <Route path="/device" element={<Device />} />
        <Route path="/vms" element={<VmList />} />
        {["/vms/:subscription/:group/:name", "/vms/:subscription/:group/:set/instances/:name"].map((path) => (
          <Route key={path} path={path} element={<VmPage />}>
            <Route index element={<Overview />} />
            <Route path="boot-diagnostics" element={<Navigate to="screenshot" replace />} />
            <Route path="boot-diagnostics/:tab" element={<BootDiagnostics />} />
            <Route
              path="serial-console"
              element={
                <Suspense fallback={<Spinner label="Loading the terminal" style={{ marginTop: 48 }} />}>
                  <SerialConsole />
                </Suspense>
              }
            />
          </Route>
        ))}
        <Route path="/alerts" element={<Alerts />} />
        <Route path="/alerts/:subscription/:id" element={<AlertPage />} />
        <Route path="/rules" element={<Rules />} />
        <Route path="/rules/:subscription/new" element={<RuleEditor />} />
        <Route path="/rules/:subscription/:id" element={<RulePage />} />
        <Route path="/rules/:subscription/:id/edit" element={<RuleEditor />} />
        <Route path="*" element={<NotFound what="page" />} />
      </Route>
    </Routes>
  );
}

function Inside() {
  const { session } = useAccess();
  const location = useLocation();
  const queries = useQueryClient();
  const absent = session === null;
  useEffect(() => {
    // The next person must not see what the last one could read.
    if (absent) queries.clear();
  }, [absent, queries]);
  if (absent) {
    const state: SignInState = { from: location.pathname + location.search };
    return <Navigate to="/signin" state={state} replace />;
  }
  return (
    <Shell>
      <Suspense fallback={<Spinner label="Loading the page" style={{ marginTop: 48 }} />}>
        <Outlet />
      </Suspense>
    </Shell>
  );
}
