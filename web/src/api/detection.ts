// Detection rules and alerts as the server tells them, and what the portal reads out of them.

import type { ExceptionItem } from "./exceptions";
import { resourcePath } from "./paths";

export type Severity = "low" | "medium" | "high" | "critical";
export const SEVERITIES: readonly Severity[] = ["critical", "high", "medium", "low"];

export type AlertStatus = "open" | "acknowledged" | "closed";
export const STATUSES: readonly AlertStatus[] = ["open", "acknowledged", "closed"];

export type RuleState = "running" | "disabled" | "unsupported";
export const RULE_STATES: readonly RuleState[] = ["running", "disabled", "unsupported"];

/** A name of a threat framework's, with where it is described. */
export interface ThreatName {
  readonly id?: string;
  readonly name?: string;
  readonly reference?: string;
  readonly subtechniques?: readonly ThreatName[];
}

export interface Threat {
  readonly framework?: string;
  readonly tactic?: ThreatName;
  readonly techniques?: readonly ThreatName[];
}

export interface Span {
  readonly from?: string;
  readonly to?: string;
}

/** How the last run of a rule went. */
export interface LastRun extends Span {
  readonly startedAt?: string;
  readonly windows?: number;
  readonly events?: number;
  readonly alerts?: number;
  readonly suppressed?: number;
  readonly warnings?: readonly string[];
  readonly gap?: Span | null;
  readonly error?: string | null;
}

export interface RuleProperties {
  readonly displayName?: string;
  readonly description?: string;
  readonly ruleType?: string;
  readonly language?: string;
  readonly severity?: string;
  readonly riskScore?: number;
  readonly enabled?: boolean;
  readonly builtIn?: boolean;
  readonly state?: string;
  readonly reasons?: readonly string[];
  readonly notes?: readonly string[];
  readonly findings?: readonly string[];
  readonly query?: string;
  readonly index?: readonly string[];
  readonly interval?: string;
  readonly from?: string;
  readonly to?: string;
  readonly maxSignals?: number;
  readonly timestampOverride?: string;
  readonly newTerms?: { readonly fields?: readonly string[]; readonly historyWindowStart?: string };
  readonly threshold?: {
    readonly field?: readonly string[];
    readonly value?: number;
    readonly cardinality?: readonly { readonly field?: string; readonly value?: number }[];
  };
  readonly suppression?: Readonly<Record<string, unknown>>;
  readonly tags?: readonly string[];
  readonly author?: readonly string[];
  readonly license?: string;
  readonly version?: number;
  readonly references?: readonly string[];
  readonly falsePositives?: readonly string[];
  readonly guide?: string;
  readonly setup?: string;
  readonly threat?: readonly Threat[];
  readonly investigationFields?: readonly string[];
  /** Those that were set beside the text. */
  readonly exceptions?: readonly ExceptionItem[];
  /** Those of the text, then those that were set; references to lists among them. */
  readonly statedExceptions?: readonly ExceptionItem[];
  /** The rule's text; only with one rule. */
  readonly source?: string;
  readonly lastRun?: LastRun | null;
  readonly nextRun?: string | null;
}

export interface Rule {
  readonly id: string;
  readonly name: string;
  readonly etag?: string;
  readonly properties?: RuleProperties;
}

/** A place in a rule's text where something is wrong: lines and columns from 1, columns in UTF-16 code units. */
export interface RuleProblem {
  readonly message: string;
  readonly line?: number;
  readonly column?: number;
  readonly endLine?: number;
  readonly endColumn?: number;
}

/** What the server says about a rule's text. */
export interface RuleCheck {
  readonly valid?: boolean;
  readonly problems?: readonly RuleProblem[];
  readonly reasons?: readonly string[];
  readonly notes?: readonly string[];
  readonly findings?: readonly string[];
  readonly rule?: RuleProperties | null;
}

/** What a rule would have said in a time that is over. */
export interface Trial extends Span {
  readonly events?: number;
  readonly matched?: number;
  readonly alerts?: number;
  readonly warnings?: readonly string[];
  readonly bucketSeconds?: number;
  readonly buckets?: readonly { readonly start?: string; readonly alerts?: number }[];
  readonly samples?: readonly AlertProperties[];
}

export type ImportOutcome = "running" | "disabled" | "unsupported" | "broken" | "duplicate";

/** What became of one rule of an imported file. */
export interface ImportedRule {
  readonly file?: string;
  readonly ruleId?: string;
  readonly displayName?: string;
  readonly outcome?: string;
  readonly reason?: string;
  readonly notes?: readonly string[];
  readonly findings?: readonly string[];
}

export interface StatusChange {
  readonly status?: string;
  readonly by?: string;
  readonly at?: string;
  readonly reason?: string;
}

export interface AlertProperties {
  readonly time?: string;
  readonly status?: string;
  readonly severity?: string;
  readonly riskScore?: number;
  readonly rule?: string;
  readonly ruleName?: string;
  readonly reason?: string;
  readonly principal?: string;
  readonly principalId?: string;
  readonly resource?: string;
  readonly sourceAddress?: string | null;
  readonly operation?: string;
  readonly correlationId?: string;
  readonly originalTime?: string;
  readonly fields?: readonly { readonly name?: string; readonly value?: unknown }[];
  readonly history?: readonly StatusChange[];
  /** The alert document; only with one alert. */
  readonly document?: unknown;
}

export interface Alert {
  readonly id: string;
  readonly name: string;
  readonly etag?: string;
  readonly properties?: AlertProperties;
}

/** What alerts are wanted; absent members do not narrow. */
export interface AlertFilter {
  readonly status?: string;
  readonly severity?: string;
  readonly rule?: string;
}

/** Where a subscription's detection is. */
export function detectionAt(subscription: string): string {
  return `/subscriptions/${encodeURIComponent(subscription)}/providers/Hardline.Detection`;
}

/** The id of an alert. */
export function alertId(subscription: string, name: string): string {
  return resourcePath(`/subscriptions/${encodeURIComponent(subscription)}`, "Hardline.Detection/alerts", name);
}

/** The id of a rule. */
export function ruleId(subscription: string, name: string): string {
  return resourcePath(`/subscriptions/${encodeURIComponent(subscription)}`, "Hardline.Detection/rules", name);
}

/** Where the portal shows an alert. */
export function alertPage(subscription: string, name: string): string {
  return `/alerts/${encodeURIComponent(subscription)}/${encodeURIComponent(name)}`;
}

/** Where the portal shows a rule. */
export function rulePage(subscription: string, name: string): string {
  return `/rules/${encodeURIComponent(subscription)}/${encodeURIComponent(name)}`;
}

/** A text as the server's filters take it. */
export function quoted(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

/** The server's filter for `wanted`; undefined when everything is. */
export function alertFilter(wanted: AlertFilter): string | undefined {
  const terms = (["status", "severity", "rule"] as const).flatMap((name) => {
    const value = wanted[name];
    return value === undefined || value === "" ? [] : [`${name} eq ${quoted(value)}`];
  });
  return terms.length === 0 ? undefined : terms.join(" and ");
}

/** Milliseconds of an hour. */
const HOUR = 3_600_000;

/** The activity log's filter for what `caller` did an hour before and after `at`. */
export function actionsFilter(caller: string, at: Date): string {
  const time = (offset: number): string => `'${new Date(at.getTime() + offset).toISOString()}'`;
  return `eventTimestamp ge ${time(-HOUR)} and eventTimestamp le ${time(HOUR)} and caller eq ${quoted(caller)}`;
}

/** The id of the VM, or the instance of a scale set, that a resource is or belongs to; null for anything else. */
export function vmIdOf(resource: string | undefined): string | null {
  const vm =
    /^\/subscriptions\/[^/]+\/resourceGroups\/[^/]+\/providers\/Microsoft\.Compute(?:\/virtualMachineScaleSets\/[^/]+)?\/virtualMachines\/[^/]+(?=\/|$)/i;
  return vm.exec(resource ?? "")?.[0] ?? null;
}

/** The value at a dotted path of a document, whose keys may be nested or dotted themselves. */
export function fieldOf(document: unknown, path: string): unknown {
  if (typeof document !== "object" || document === null || Array.isArray(document)) return undefined;
  const object = document as Readonly<Record<string, unknown>>;
  if (Object.hasOwn(object, path)) return object[path];
  for (let dot = path.indexOf("."); dot > 0; dot = path.indexOf(".", dot + 1)) {
    const head = path.slice(0, dot);
    const found = Object.hasOwn(object, head) ? fieldOf(object[head], path.slice(dot + 1)) : undefined;
    if (found !== undefined) return found;
  }
  return undefined;
}

/** The role assignment that allowed what an alert is about. */
export interface Evidence {
  readonly assignment: string;
  readonly scope: string;
  readonly role: string;
}

const EVIDENCE = "azure.activitylogs.identity.authorization.evidence";

/** Reads the evidence of an alert's document; null when the event was allowed by no assignment. */
export function evidenceOf(document: unknown): Evidence | null {
  const text = (name: string): string => {
    const value = fieldOf(document, `${EVIDENCE}.${name}`);
    return typeof value === "string" ? value : "";
  };
  const assignment = dashed(text("role_assignment_id"));
  const scope = text("role_assignment_scope");
  if (assignment === null || !scope.startsWith("/")) return null;
  return { assignment: resourcePath(scope.replace(/\/+$/, ""), "Microsoft.Authorization/roleAssignments", assignment), scope, role: text("role") };
}

/** A GUID from its 32 digits, with or without dashes; null for anything else. */
export function dashed(digits: string): string | null {
  const hex = digits.replaceAll("-", "").toLowerCase();
  if (!/^[0-9a-f]{32}$/.test(hex)) return null;
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}

/** The rule id that a rule's text names; null when it names none. */
export function ruleIdIn(source: string): string | null {
  const found = /^[ \t]*(?:rule\.)?rule_id[ \t]*=[ \t]*(?:"([^"\n]*)"|'([^'\n]*)')/m.exec(source);
  const id = found?.[1] ?? found?.[2] ?? "";
  return id === "" ? null : id;
}

/** A field's value for people. */
export function valueText(value: unknown): string {
  if (typeof value === "string") return value;
  if (Array.isArray(value)) return value.map(valueText).join(", ");
  return value === undefined || value === null ? "-" : typeof value === "object" ? JSON.stringify(value) : String(value);
}
