// Light or dark: as the system says, until somebody chooses.

import { FluentProvider, webDarkTheme, webLightTheme, type Theme } from "@fluentui/react-components";
import { createContext, useContext, useEffect, useMemo, useState, type ReactNode } from "react";

export type ThemeChoice = "system" | "light" | "dark";

interface ThemeContextValue {
  readonly choice: ThemeChoice;
  readonly dark: boolean;
  readonly choose: (choice: ThemeChoice) => void;
}

const KEY = "hardline.theme";
const ThemeContext = createContext<ThemeContextValue>({ choice: "system", dark: false, choose: () => undefined });

/** The theme in force. */
export const useTheme = (): ThemeContextValue => useContext(ThemeContext);

const FONT = "'Segoe UI', 'Segoe UI Web (West European)', -apple-system, BlinkMacSystemFont, Roboto, 'Helvetica Neue', 'Liberation Sans', sans-serif";
const MONO = "ui-monospace, 'Cascadia Mono', Consolas, 'SF Mono', Menlo, 'DejaVu Sans Mono', monospace";

function adapt(theme: Theme): Theme {
  return { ...theme, fontFamilyBase: FONT, fontFamilyMonospace: MONO };
}
const LIGHT = adapt(webLightTheme);
const DARK = adapt(webDarkTheme);

const asksForDark = window.matchMedia("(prefers-color-scheme: dark)");

function stored(): ThemeChoice {
  const value = localStorage.getItem(KEY);
  return value === "light" || value === "dark" ? value : "system";
}

/** Wraps the product in Fluent's theme. */
export function ThemeRoot({ children }: { readonly children: ReactNode }) {
  const [choice, setChoice] = useState<ThemeChoice>(stored);
  const [systemDark, setSystemDark] = useState(asksForDark.matches);
  useEffect(() => {
    const changed = (event: MediaQueryListEvent): void => setSystemDark(event.matches);
    asksForDark.addEventListener("change", changed);
    return () => asksForDark.removeEventListener("change", changed);
  }, []);
  const dark = choice === "system" ? systemDark : choice === "dark";
  useEffect(() => {
    document.documentElement.style.colorScheme = dark ? "dark" : "light";
    document.body.style.background = dark ? "#0f0f0f" : "#f5f5f5";
  }, [dark]);
  const value = useMemo(
    () => ({
      choice,
      dark,
      choose: (next: ThemeChoice) => {
        if (next === "system") localStorage.removeItem(KEY);
        else localStorage.setItem(KEY, next);
        setChoice(next);
      },
    }),
    [choice, dark],
  );
  return (
    <ThemeContext value={value}>
      <FluentProvider theme={dark ? DARK : LIGHT} style={{ height: "100%", background: "transparent" }}>
        {children}
      </FluentProvider>
    </ThemeContext>
  );
}
