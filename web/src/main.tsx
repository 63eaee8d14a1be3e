import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { BrowserRouter } from "react-router";
import { worthRetrying } from "./api/queries";
import { AccessRoot } from "./app/access";
import { App } from "./app/app";
import { ThemeRoot } from "./app/theme";
import "./app/page.css";

const queries = new QueryClient({
  defaultOptions: { queries: { retry: worthRetrying, staleTime: 1000, refetchOnWindowFocus: true } },
});

const root = document.getElementById("root");
if (root !== null) {
  createRoot(root).render(
    <StrictMode>
      <ThemeRoot>
        <AccessRoot>
          <QueryClientProvider client={queries}>
            <BrowserRouter basename="/portal">
              <App />
            </BrowserRouter>
          </QueryClientProvider>
        </AccessRoot>
      </ThemeRoot>
    </StrictMode>,
  );
}
