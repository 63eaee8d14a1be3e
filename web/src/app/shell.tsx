// The frame of every page: who and where one is, theme, sign-out.

import {
  Button, makeStyles, Menu, MenuDivider, MenuGroup, MenuGroupHeader, MenuItem, MenuItemRadio, MenuList, MenuPopover,
  MenuTrigger, mergeClasses, tokens, Tooltip,
} from "@fluentui/react-components";
import { PersonCircleRegular, SignOutRegular, WeatherMoonRegular, WeatherSunnyRegular } from "@fluentui/react-icons";
import type { ReactNode } from "react";
import { Link, NavLink, useMatch, useParams } from "react-router";
import { COUNTED, useOpenAlerts } from "../api/detection-queries";
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
  word: { "@media (max-width: 800px)": { display: "none" } },
  links: {
    display: "flex", gap: "2px", margin: "0 0 0 8px", padding: 0, listStyle: "none", height: "44px", fontSize: "13px",
    "& li": { display: "flex" },
  },
  link: {
    display: "flex", alignItems: "center", gap: "6px", padding: "0 10px", color: "#d6ecfa", textDecoration: "none", whiteSpace: "nowrap",
    borderBottom: "3px solid transparent", borderTop: "3px solid transparent",
    ":hover": { color: "#fff", background: "rgba(255,255,255,.12)" },
    ":focus-visible": { outline: "2px solid #fff", outlineOffset: "-3px" },
    "@media (max-width: 480px)": { padding: "0 6px" },
  },
  here: { color: "#fff", fontWeight: 600, borderBottomColor: "#7fd4ff" },
  count: {
    minWidth: "18px", height: "18px", padding: "0 5px", borderRadius: "9px", background: "#fff", color: "#0b3a5b", fontSize: "11px", fontWeight: 700,
    lineHeight: "18px", textAlign: "center", fontVariantNumeric: "tabular-nums",
  },
  crumb: {
    flexGrow: 1, minWidth: 0, fontSize: "13px", whiteSpace: "nowrap", overflow: "hidden", textOverflow: "ellipsis", color: "#d6ecfa", paddingLeft: "4px",
    "::before": { content: "'/'", opacity: 0.6, marginRight: "8px" },
    ":empty::before": { content: "none" },
    // The page's own title says it there.
    "@media (max-width: 640px)": { visibility: "hidden" },
  },
  main: { flexGrow: 1, minHeight: 0, overflow: "auto", display: "flex", flexDirection: "column", outline: "none" },
  user: { maxWidth: "260px", "@media (max-width: 900px)": { minWidth: "40px", padding: "5px 8px", "& > .fui-Button__icon": { margin: 0 } } },
  userName: { minWidth: 0, whiteSpace: "nowrap", overflow: "hidden", textOverflow: "ellipsis", "@media (max-width: 900px)": { display: "none" } },
});

const CHOICES: readonly (readonly [ThemeChoice, string])[] = [["system", "As the system"], ["light", "Light"], ["dark", "Dark"]];

export function Shell({ children }: { readonly children: ReactNode }) {
  const styles = useStyles();
  const { session, sessions } = useAccess();
  const { name: last, set, group } = useParams();
  const name = set === undefined ? last : `${set}_${last ?? ""}`;
  const onDevice = useMatch("/device") !== null;
  const openAlerts = useOpenAlerts();
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
          <span className={styles.word}>Hardline</span>
        </Link>
        <nav aria-label="Main">
          <ul className={styles.links}>
            <Place to="/vms" label="Virtual machines" />
            <Place to="/alerts" label="Alerts" count={openAlerts} />
            <Place to="/rules" label="Rules" />
          </ul>
        </nav>
        <span className={styles.crumb} title={name === undefined ? undefined : `${name} in ${group}`}>
          {onDevice ? "Sign in a device" : name}
        </span>
        <ThemeMenu />
        <Menu positioning="below-end">
          <MenuTrigger disableButtonEnhancement>
            <Button appearance="transparent" icon={<PersonCircleRegular />} className={styles.user} aria-label={`Account: ${session?.user}`}>
              <span className={styles.userName}>{session?.user}</span>
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

/** A part of the product in the bar, with how much waits there. */
function Place({ to, label, count = null }: { readonly to: string; readonly label: string; readonly count?: number | null }) {
  const styles = useStyles();
  const many = count !== null && count > COUNTED ? `${COUNTED}+` : String(count);
  return (
    <li>
      <NavLink to={to} className={({ isActive }) => mergeClasses(styles.link, isActive && styles.here)}>
        {label}
        {count !== null && count > 0 && (
          <span className={styles.count} aria-label={`${many} open`} role="img">
            {many}
          </span>
        )}
      </NavLink>
    </li>
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
