import { describe, expect, test } from "vitest";
import {
  COMPARISONS, comparedAs, draftFrom, exceptionsOfText, exceptionText, fieldsOffered, itemOf, lacksOf, NEW_ENTRY, NEW_EXCEPTION, offersOf, saidAgainst, textOf, withOffer,
  type ComparisonName, type ExceptionDraft,
} from "./exceptions";

const NOW = Date.parse("2026-11-22T10:00:00Z");
const entry = (field: string, comparison: ComparisonName, value = "") => ({ field, comparison, value });
const draft = (...entries: ReturnType<typeof entry>[]): ExceptionDraft => ({ ...NEW_EXCEPTION, name: "Ours", entries });

describe("in words", () => {
  test.each([
    [{ field: "user.name", operator: "included", type: "match", value: "ada" }, "user.name is ada"],
    [{ field: "user.name", type: "match", value: "ada" }, "user.name is ada"],
    [{ field: "user.name", operator: "excluded", type: "match_any", value: ["ada", "bob"] }, "user.name is not one of ada, bob"],
    [{ field: "host", operator: "included", type: "wildcard", value: "web-*" }, "host matches web-*"],
    [{ field: "source.ip", operator: "excluded", type: "exists" }, "source.ip does not exist"],
    [{ field: "a", type: "nested", entries: [{ field: "b", operator: "included", type: "match", value: 1 }] }, "a has { b is 1 }"],
    [{ field: "source.ip", operator: "included", type: "list", list: { id: "office" } }, "source.ip is in the list office"],
    [{ field: "a", operator: "included", type: "new", value: 1 }, "a included new 1"],
  ])("%j", (item, text) => expect(exceptionText(item)).toBe(text));
});

describe("what is written becomes an item", () => {
  test.each([
    [entry(" user.email ", "is", " ada@example.org "), { field: "user.email", operator: "included", type: "match", value: "ada@example.org" }],
    [entry("user.email", "isNot", "ada"), { field: "user.email", operator: "excluded", type: "match", value: "ada" }],
    [entry("source.ip", "isOneOf", "10.0.0.1\n\n 10.0.0.2\n10.0.0.1\n"), { field: "source.ip", operator: "included", type: "match_any", value: ["10.0.0.1", "10.0.0.2"] }],
    [entry("source.ip", "isNotOneOf", "a, b"), { field: "source.ip", operator: "excluded", type: "match_any", value: ["a, b"] }],
    [entry("source.ip", "exists", "left over"), { field: "source.ip", operator: "included", type: "exists" }],
    [entry("source.ip", "doesNotExist"), { field: "source.ip", operator: "excluded", type: "exists" }],
    [entry("host.name", "matches", "web-*"), { field: "host.name", operator: "included", type: "wildcard", value: "web-*" }],
    [entry("host.name", "doesNotMatch", "web-*"), { field: "host.name", operator: "excluded", type: "wildcard", value: "web-*" }],
  ])("%j", (written, item) => expect(itemOf(draft(written), "id").entries).toEqual([item]));

  test("name, reason and end", () => {
    const written = { ...draft(entry("a", "exists")), name: " Ours ", description: " Agreed. " };
    const whole = { item_id: "id", name: "Ours", description: "Agreed.", entries: [{ field: "a", operator: "included", type: "exists" }] };
    expect(itemOf(written, "id")).toEqual(whole);
    const until = "2026-12-01T08:30";
    expect(itemOf({ ...written, until }, "id")).toEqual({ ...whole, expire_time: new Date(until).toISOString() });
    expect(itemOf(draft(entry("a", "exists")), "id")).not.toHaveProperty("description");
  });

  test("each way to compare is told apart again by its words", () => {
    const words = Object.keys(COMPARISONS).map((name) => exceptionText(itemOf(draft(entry("f", name as ComparisonName, "v")), "id").entries?.[0] ?? {}));
    expect(new Set(words).size).toBe(Object.keys(COMPARISONS).length);
    expect(words).toEqual(Object.values(COMPARISONS).map(({ word, takes }) => (takes === "none" ? `f ${word}` : `f ${word} v`)));
  });

  test("another way to compare keeps what it can of the value", () => {
    expect(comparedAs(entry("a", "isOneOf", " x \ny"), "is")).toEqual(entry("a", "is", "x"));
    expect(comparedAs(entry("a", "is", "x"), "isOneOf")).toEqual(entry("a", "isOneOf", "x"));
    expect(comparedAs(entry("a", "is", "x"), "exists").value).toBe("x");
  });
});

describe("what is missing", () => {
  test.each<[string, ExceptionDraft, unknown]>([
    ["nothing", draft(entry("a", "is", "b"), entry("c", "exists")), null],
    ["everything", NEW_EXCEPTION, { name: "Give it a name.", entries: [{ field: "Name the field.", value: "Give a value." }] }],
    ["one place", draft(entry("a", "is", "b"), entry("c", "isOneOf", " \n ")), { entries: [{}, { value: "Give a value." }] }],
    ["an end that is over", { ...draft(entry("a", "exists")), until: "2001-01-01T00:00" }, { until: "This time is over.", entries: [{}] }],
    ["an end that is none", { ...draft(entry("a", "exists")), until: "soon" }, { until: "This time is over.", entries: [{}] }],
    ["an end to come", { ...draft(entry("a", "exists")), until: "2099-01-01T00:00" }, null],
  ])("%s", (_name, written, lacks) => expect(lacksOf(written, NOW)).toEqual(lacks));
});

describe("from an alert", () => {
  const document = { user: { name: "ada" }, "source.ip": ["10.0.0.9"], azure: { resource: { id: "/SUBSCRIPTIONS/S/VM" } }, event: { action: "READ", category: ["a", "b"] }, n: 7 };

  test("who, from where, at what, doing what, with the fields that are there", () => {
    expect(offersOf(document)).toEqual([
      { label: "Who", entry: entry("user.name", "is", "ada") },
      { label: "From", entry: entry("source.ip", "is", "10.0.0.9") },
      { label: "Resource", entry: entry("azure.resource.id", "is", "/SUBSCRIPTIONS/S/VM") },
      { label: "Operation", entry: entry("event.action", "is", "READ") },
    ]);
    expect(offersOf({ user: { email: "ada@example.org", name: "ada" } })[0]?.entry.field).toBe("user.email");
    expect(offersOf(undefined)).toEqual([]);
  });

  test.each([["event.action", "READ"], ["source.ip", "10.0.0.9"], ["event.category", null], ["n", null], ["nowhere", null]])("%s offers %s", (field, text) => expect(textOf(document, field)).toBe(text));

  test("the form begins narrow", () => {
    expect(draftFrom(document).entries).toEqual([entry("user.name", "is", "ada"), entry("azure.resource.id", "is", "/SUBSCRIPTIONS/S/VM")]);
    expect(draftFrom({}).entries).toEqual([NEW_ENTRY]);
  });

  test("an offer is taken up and left out; an empty entry makes room for it", () => {
    const [who] = offersOf(document);
    if (who === undefined) throw new Error("nothing is offered");
    const taken = withOffer(NEW_EXCEPTION, who, true);
    expect(taken.entries).toEqual([who.entry]);
    expect(withOffer(taken, who, true).entries).toEqual([who.entry]);
    expect(withOffer(taken, who, false).entries).toEqual([NEW_ENTRY]);
  });

  test("fields are offered once each, the alert's first", () => {
    const fields = fieldsOffered({ investigationFields: ["event.outcome", "user.name"] }, document);
    expect(fields.slice(0, 5)).toEqual(["user.name", "source.ip", "azure.resource.id", "event.action", "event.outcome"]);
    expect(new Set(fields).size).toBe(fields.length);
  });
});

test("the exceptions of the text are those that were not set beside it", () => {
  const [text, set] = [{ name: "text", entries: [] }, { name: "set", entries: [] }];
  expect(exceptionsOfText({ statedExceptions: [{ name: "a reference" }, text, set], exceptions: [set] })).toEqual([text]);
  expect(exceptionsOfText({ exceptions: [set] })).toEqual([]);
});

test.each([
  ["line 1, column 1: exceptions_list.0: expire_time: a point in time is expected", "expire_time: a point in time is expected"],
  ["exceptions: its exception 'x' refers to a list", "its exception 'x' refers to a list"],
  ["something else: entirely", "something else: entirely"],
])("%s", (detail, said) => expect(saidAgainst([detail])).toEqual([said]));
