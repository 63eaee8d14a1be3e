import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { createBrowserRouter } from "react-router";
import { RouterProvider } from "react-router/dom";
import { worthRetrying } from "./api/queries";
import { AccessRoot } from "./app/access";
import { App } from "./app/app";
import { ThemeRoot } from "./app/theme";
import "./app/page.css";

const queries = new QueryClient({
  defaultOptions: { queries: { retry: worthRetrying, staleTime: 1000, refetchOnWindowFocus: true } },
});

// One route for all: a router made this way can hold somebody who is about to lose a text.
const router = createBrowserRouter([{ path: "*", Component: App }], { basename: "/portal" });

const root = document.getElementById("root");
if (root !== null) {
  createRoot(root).render(
    <StrictMode>
      <ThemeRoot>
        <AccessRoot>
          <QueryClientProvider client={queries}>
            <RouterProvider router={router} />
          </QueryClientProvider>
        </AccessRoot>
      </ThemeRoot>
    </StrictMode>,
  );
}
