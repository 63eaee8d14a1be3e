// Exceptions of a rule, in the form of Kibana's exception items: in words, and as what a person writes into a form.

import { fieldOf, valueText, type RuleProperties } from "./detection";

export interface ExceptionEntry {
  readonly field?: string;
  readonly operator?: string;
  readonly type?: string;
  readonly value?: unknown;
  readonly entries?: readonly ExceptionEntry[];
  readonly list?: { readonly id?: string };
}

export interface ExceptionItem {
  readonly item_id?: string;
  readonly name?: string;
  readonly description?: string;
  readonly expire_time?: string;
  readonly entries?: readonly ExceptionEntry[];
}

interface Comparison {
  readonly type: string;
  readonly operator: "included" | "excluded";
  readonly word: string;
  readonly takes: "one" | "many" | "none";
}

/** How a field can be compared, by the name that a form has for it. */
export const COMPARISONS = {
  is: { type: "match", operator: "included", word: "is", takes: "one" },
  isNot: { type: "match", operator: "excluded", word: "is not", takes: "one" },
  isOneOf: { type: "match_any", operator: "included", word: "is one of", takes: "many" },
  isNotOneOf: { type: "match_any", operator: "excluded", word: "is not one of", takes: "many" },
  exists: { type: "exists", operator: "included", word: "exists", takes: "none" },
  doesNotExist: { type: "exists", operator: "excluded", word: "does not exist", takes: "none" },
  matches: { type: "wildcard", operator: "included", word: "matches", takes: "one" },
  doesNotMatch: { type: "wildcard", operator: "excluded", word: "does not match", takes: "one" },
} as const satisfies Readonly<Record<string, Comparison>>;

export type ComparisonName = keyof typeof COMPARISONS;

/** An entry in words. */
export function exceptionText(entry: ExceptionEntry): string {
  const field = entry.field ?? "?";
  const operator = entry.operator ?? "included";
  const known = Object.values<Comparison>(COMPARISONS).find((one) => one.type === entry.type && one.operator === operator);
  if (known !== undefined) return known.takes === "none" ? `${field} ${known.word}` : `${field} ${known.word} ${valueText(entry.value)}`;
  const not = operator === "excluded";
  if (entry.type === "nested") return `${field} ${not ? "has no" : "has"} { ${(entry.entries ?? []).map(exceptionText).join(" and ")} }`;
  if (entry.type === "list") return `${field} ${not ? "is not in" : "is in"} the list ${entry.list?.id ?? "?"}`;
  return `${field} ${operator} ${entry.type ?? ""} ${valueText(entry.value)}`;
}

/** The exceptions that a rule's text brings itself: of all that it has, those that nobody added beside it. */
export function exceptionsOfText(p: RuleProperties): readonly ExceptionItem[] {
  const all = (p.statedExceptions ?? []).filter(({ entries }) => entries !== undefined);
  return all.slice(0, Math.max(0, all.length - (p.exceptions ?? []).length));
}

/** An entry as it is written. */
export interface EntryDraft {
  readonly field: string;
  readonly comparison: ComparisonName;
  /** One a line where there may be several. */
  readonly value: string;
}

/** An exception as it is written. */
export interface ExceptionDraft {
  readonly name: string;
  readonly description: string;
  /** A local time as `<input type="datetime-local">` has it; empty for ever. */
  readonly until: string;
  readonly entries: readonly EntryDraft[];
}

export const NEW_ENTRY: EntryDraft = { field: "", comparison: "is", value: "" };
export const NEW_EXCEPTION: ExceptionDraft = { name: "", description: "", until: "", entries: [NEW_ENTRY] };

/** The entry compared in another way; of several values the first stays where there may be one. */
export function comparedAs(entry: EntryDraft, comparison: ComparisonName): EntryDraft {
  return { ...entry, comparison, value: COMPARISONS[comparison].takes === "one" ? (valuesOf(entry)[0] ?? "") : entry.value };
}

/** What is missing, place by place. */
export interface Lacks {
  readonly name?: string;
  readonly until?: string;
  readonly entries: readonly { readonly field?: string; readonly value?: string }[];
}

/** The values of an entry, without empty lines. */
function valuesOf({ value }: EntryDraft): string[] {
  return value.split("\n").map((line) => line.trim()).filter((line) => line !== "");
}

/** What a draft lacks; null when it can be sent. */
export function lacksOf(draft: ExceptionDraft, now: number): Lacks | null {
  const until = Date.parse(draft.until);
  const entries = draft.entries.map((entry) => ({
    ...(entry.field.trim() === "" && { field: "Name the field." }),
    ...(COMPARISONS[entry.comparison].takes !== "none" && valuesOf(entry).length === 0 && { value: "Give a value." }),
  }));
  const lacks: Lacks = {
    ...(draft.name.trim() === "" && { name: "Give it a name." }),
    ...(draft.until !== "" && !(until > now) && { until: "This time is over." }),
    entries,
  };
  const whole = lacks.name === undefined && lacks.until === undefined && entries.every((entry) => Object.keys(entry).length === 0);
  return whole ? null : lacks;
}

function entryOf(draft: EntryDraft): ExceptionEntry {
  const { type, operator, takes } = COMPARISONS[draft.comparison];
  const entry = { field: draft.field.trim(), operator, type };
  if (takes === "none") return entry;
  return { ...entry, value: takes === "many" ? [...new Set(valuesOf(draft))] : draft.value.trim() };
}

/** The item that a draft which lacks nothing means. */
export function itemOf(draft: ExceptionDraft, id: string): ExceptionItem {
  const description = draft.description.trim();
  return {
    item_id: id,
    name: draft.name.trim(),
    ...(description !== "" && { description }),
    ...(draft.until !== "" && { expire_time: new Date(draft.until).toISOString() }),
    entries: draft.entries.map(entryOf),
  };
}

/** A value of an alert that an exception can be made of. */
export interface Offer {
  readonly label: string;
  readonly entry: EntryDraft;
}

/** What an alert is about, and the fields that may say it, the best first. */
const OFFERED: readonly (readonly [string, readonly string[]])[] = [
  ["Who", ["user.email", "user.name", "user.full_name", "azure.activitylogs.identity.claims.appid", "azure.activitylogs.identity.authorization.evidence.principal_id"]],
  ["From", ["source.ip"]],
  ["Resource", ["azure.resource.id", "azure.activitylogs.identity.authorization.scope"]],
  ["Operation", ["event.action"]],
];

/** The only text in a field of a document; null for anything else, as an exception could not mean it alone. */
export function textOf(document: unknown, field: string): string | null {
  const value = fieldOf(document, field);
  const only: unknown = Array.isArray(value) && value.length === 1 ? value[0] : value;
  return typeof only === "string" && only !== "" ? only : null;
}

/** Who, from where, at what, doing what: as an alert's document has it. */
export function offersOf(document: unknown): Offer[] {
  return OFFERED.flatMap(([label, fields]) => {
    for (const field of fields) {
      const value = textOf(document, field);
      if (value !== null) return [{ label, entry: { field, comparison: "is" as const, value } }];
    }
    return [];
  });
}

/** The draft that an alert begins with: this identity at this resource, and nothing wider unless somebody says so. */
export function draftFrom(document: unknown): ExceptionDraft {
  const entries = offersOf(document).filter(({ label }) => label === "Who" || label === "Resource").map(({ entry }) => entry);
  return { ...NEW_EXCEPTION, entries: entries.length === 0 ? [NEW_ENTRY] : entries };
}

export const sameEntry = (a: EntryDraft, b: EntryDraft): boolean => a.field === b.field && a.comparison === b.comparison && a.value === b.value;

/** The draft with an offer taken up, or left out again. */
export function withOffer(draft: ExceptionDraft, { entry }: Offer, taken: boolean): ExceptionDraft {
  const others = draft.entries.filter((one) => !sameEntry(one, entry) && !sameEntry(one, NEW_ENTRY));
  const entries = taken ? [...others, entry] : others;
  return { ...draft, entries: entries.length === 0 ? [NEW_ENTRY] : entries };
}

/** Fields that a form offers: those of the rule and of the alert first. */
export function fieldsOffered(p: RuleProperties | undefined, document: unknown): string[] {
  const offered = offersOf(document).map(({ entry }) => entry.field);
  const usual = ["user.email", "source.ip", "azure.resource.id", "azure.resource.group", "event.action", "event.outcome"];
  return [...new Set([...offered, ...(p?.investigationFields ?? []), ...usual])];
}

/** What the server says against an exception, without the places of a text that nobody wrote. */
export function saidAgainst(details: readonly string[]): string[] {
  return details.map((text) => text.replace(/^(?:line \d+, column \d+: )?(?:exceptions(?:_list\.\d+)?: )?/, ""));
}
