// The frame of every page: who and where one is, theme, sign-out.

import {
  Button, makeStyles, Menu, MenuDivider, MenuGroup, MenuGroupHeader, MenuItem, MenuItemRadio, MenuList, MenuPopover,
  MenuTrigger, tokens, Tooltip,
} from "@fluentui/react-components";
import { PersonCircleRegular, SignOutRegular, WeatherMoonRegular, WeatherSunnyRegular } from "@fluentui/react-icons";
import type { ReactNode } from "react";
import { Link, useMatch, useParams } from "react-router";
import { useAccess } from "./access";
import { useTheme, type ThemeChoice } from "./theme";

const useStyles = makeStyles({
  page: { height: "100%", display: "flex", flexDirection: "column", color: tokens.colorNeutralForeground1, background: tokens.colorNeutralBackground3 },
  skip: {
    position: "absolute", left: "8px", top: "-60px", zIndex: 10, padding: "8px 12px", borderRadius: "4px",
    background: tokens.colorBrandBackground, color: tokens.colorNeutralForegroundOnBrand,
    ":focus": { top: "6px" },
  },
  bar: {
    display: "flex", alignItems: "center", gap: "4px", height: "44px", flexShrink: 0, padding: "0 8px 0 16px",
    background: "#0b3a5b", color: "#fff",
    "& button": { color: "#fff" },
    "& button:hover": { color: "#fff", backgroundColor: "rgba(255,255,255,.16)" },
    "& button:hover .fui-Button__icon": { color: "#fff" },
    "& button[aria-expanded=true]": { color: "#fff", backgroundColor: "rgba(255,255,255,.2)" },
  },
  brand: {
    display: "flex", alignItems: "center", gap: "10px", color: "#fff", textDecoration: "none", fontWeight: 600,
    fontSize: "15px", letterSpacing: ".02em", borderRadius: "4px", padding: "4px 6px", marginLeft: "-6px",
    ":focus-visible": { outline: "2px solid #fff" },
  },
  crumbs: {
    display: "flex", gap: "8px", margin: "0 0 0 12px", padding: 0, listStyle: "none", minWidth: 0, flexGrow: 1, fontSize: "13px",
    "& li": { whiteSpace: "nowrap", overflow: "hidden", textOverflow: "ellipsis", minWidth: 0, padding: "3px" },
    "& li + li::before": { content: "'/'", opacity: 0.6, marginRight: "8px" },
    "& a": { color: "#d6ecfa", textDecoration: "none", borderRadius: "3px" },
    "& a:hover": { textDecoration: "underline" },
    "& a:focus-visible": { outline: "2px solid #fff" },
  },
  nav: { flexGrow: 1, minWidth: 0 },
  main: { flexGrow: 1, minHeight: 0, overflow: "auto", display: "flex", flexDirection: "column", outline: "none" },
  user: { maxWidth: "260px", "& > span:last-child": { overflow: "hidden", textOverflow: "ellipsis" } },
});

const CHOICES: readonly (readonly [ThemeChoice, string])[] = [["system", "As the system"], ["light", "Light"], ["dark", "Dark"]];

export function Shell({ children }: { readonly children: ReactNode }) {
  const styles = useStyles();
  const { session, sessions } = useAccess();
  const { name: last, set, group } = useParams();
  const name = set === undefined ? last : `${set}_${last ?? ""}`;
  const onDevice = useMatch("/device") !== null;
  return (
    <div className={styles.page}>
      <a
        href="#main"
        className={styles.skip}
        onClick={(event) => {
          event.preventDefault();
          document.getElementById("main")?.focus();
        }}
      >
        Skip to content
      </a>
      <header className={styles.bar}>
        <Link to="/vms" className={styles.brand} aria-label="Hardline, home">
          <Mark />
          Hardline
        </Link>
        <nav aria-label="Breadcrumb" className={styles.nav}>
          <ol className={styles.crumbs}>
            <li>{name === undefined && !onDevice ? <span aria-current="page">Virtual machines</span> : <Link to="/vms">Virtual machines</Link>}</li>
            {onDevice && (
              <li>
                <span aria-current="page">Sign in a device</span>
              </li>
            )}
            {name !== undefined && (
              <li title={`${name} in ${group}`}>
                <span>{name}</span>
              </li>
            )}
          </ol>
        </nav>
        <ThemeMenu />
        <Menu positioning="below-end">
          <MenuTrigger disableButtonEnhancement>
            <Button appearance="transparent" icon={<PersonCircleRegular />} className={styles.user} aria-label={`Account: ${session?.user}`}>
              {session?.user}
            </Button>
          </MenuTrigger>
          <MenuPopover>
            <MenuList>
              <MenuGroup>
                <MenuGroupHeader>{session?.user}</MenuGroupHeader>
                <MenuDivider />
                <MenuItem icon={<SignOutRegular />} onClick={() => sessions.end("signedOut")}>
                  Sign out
                </MenuItem>
              </MenuGroup>
            </MenuList>
          </MenuPopover>
        </Menu>
      </header>
      <main id="main" tabIndex={-1} className={styles.main}>
        {children}
      </main>
    </div>
  );
}

/** Chooses light, dark or as the system says. */
export function ThemeMenu() {
  const { choice, choose, dark } = useTheme();
  return (
    <Menu
      positioning="below-end"
      checkedValues={{ theme: [choice] }}
      onCheckedValueChange={(_event, { checkedItems }) => choose((checkedItems[0] ?? "system") as ThemeChoice)}
    >
      <MenuTrigger disableButtonEnhancement>
        <Tooltip content="Theme" relationship="label">
          <Button appearance="transparent" icon={dark ? <WeatherMoonRegular /> : <WeatherSunnyRegular />} />
        </Tooltip>
      </MenuTrigger>
      <MenuPopover>
        <MenuList>
          {CHOICES.map(([value, label]) => (
            <MenuItemRadio key={value} name="theme" value={value}>
              {label}
            </MenuItemRadio>
          ))}
        </MenuList>
      </MenuPopover>
    </Menu>
  );
}

/** The product's mark: a prompt. */
export function Mark({ size = 22 }: { readonly size?: number }) {
  return (
    <svg viewBox="0 0 32 32" width={size} height={size} aria-hidden="true">
      <rect width="32" height="32" rx="6" fill="#124e78" />
      <path d="M7 10l7 6-7 6" fill="none" stroke="#7fd4ff" strokeWidth="3.2" strokeLinecap="round" strokeLinejoin="round" />
      <path d="M17 23h8" stroke="#fff" strokeWidth="3.2" strokeLinecap="round" />
    </svg>
  );
}
