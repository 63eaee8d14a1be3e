// The portal's questions about rules and alerts, over every subscription that the caller may read.

import { keepPreviousData, useMutation, useQuery, useQueryClient, type QueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useAccess } from "../app/access";
import type { ArmClient } from "./client";
import {
  actionsFilter, alertFilter, alertId, detectionAt, ruleId, vmIdOf,
  type Alert, type AlertFilter, type AlertStatus, type Evidence, type ImportedRule, type Rule, type RuleCheck, type Trial,
} from "./detection";
import type { ExceptionItem } from "./exceptions";
import { askEach, newest, type Listing, type Refusals } from "./listing";
import { batches, type RuleFile } from "./rule-files";
import type { ActivityEvent, Subscription } from "./models";
import { operations, type Operation } from "./operations";
import { resourcePath } from "./paths";
import { LIVE, unlessRefused } from "./queries";
import { allows, type Permission } from "./rights";

function subscriptionsOf(client: QueryClient, arm: ArmClient): Promise<Subscription[]> {
  return client.fetchQuery({
    queryKey: ["subscriptions"],
    staleTime: 30_000,
    queryFn: () => arm.list<Subscription>(operations.SubscriptionList, ""),
  });
}

/** The subscriptions that the caller may read. */
export function useSubscriptions() {
  const { arm } = useAccess();
  return useQuery({ queryKey: ["subscriptions"], staleTime: 30_000, queryFn: () => arm.list<Subscription>(operations.SubscriptionList, "") });
}

/** The newest `limit` alerts that are wanted. */
export function useAlerts(wanted: AlertFilter, limit: number) {
  const { arm } = useAccess();
  const client = useQueryClient();
  const [refusals] = useState<Refusals>(() => new Map());
  const filter = alertFilter(wanted);
  return useQuery({
    queryKey: ["alerts", filter ?? "", limit],
    // A long list is a large answer.
    refetchInterval: unlessRefused(limit <= 200 ? LIVE : 5 * LIVE),
    placeholderData: keepPreviousData,
    queryFn: async ({ signal }): Promise<Listing<Alert>> => {
      const subscriptions = await subscriptionsOf(client, arm);
      const query = { $filter: filter, $top: limit + 1 };
      const found = await askEach(subscriptions, refusals, (at) => arm.list<Alert>(operations.AlertList, at, { query, signal }, limit + 1));
      return { ...found, ...newest(found.items, limit) };
    },
  });
}

/** Most open alerts that the shell counts. */
export const COUNTED = 50;

/** How many alerts are open, COUNTED + 1 at most; null while it is not known, or may not be. */
export function useOpenAlerts(): number | null {
  const { arm } = useAccess();
  const client = useQueryClient();
  const [refusals] = useState<Refusals>(() => new Map());
  const query = useQuery({
    queryKey: ["alerts", "open"],
    refetchInterval: unlessRefused(15_000),
    retry: false,
    queryFn: async ({ signal }) => {
      const subscriptions = await subscriptionsOf(client, arm);
      const wanted = { $filter: alertFilter({ status: "open" }), $top: COUNTED + 1 };
      const found = await askEach(subscriptions, refusals, (at) => arm.list<Alert>(operations.AlertList, at, { query: wanted, signal }, COUNTED + 1));
      return Math.min(found.items.length, COUNTED + 1);
    },
  });
  return query.data ?? null;
}

export function useAlert(subscription: string, name: string) {
  const { arm } = useAccess();
  return useQuery({
    queryKey: ["alert", subscription, name],
    refetchInterval: unlessRefused(2 * LIVE),
    queryFn: ({ signal }) => arm.json<Alert>(operations.AlertGet, alertId(subscription, name), { signal }),
  });
}

/** What is to become of some alerts. */
export interface StatusWish {
  readonly alerts: readonly Alert[];
  readonly status: AlertStatus;
  /** Empty for none. */
  readonly reason: string;
}

/** Sets the status of alerts; throws the first refusal, with the others done. */
export function useAlertStatus() {
  const { arm } = useAccess();
  const client = useQueryClient();
  return useMutation({
    mutationFn: async ({ alerts, status, reason }: StatusWish): Promise<number> => {
      const properties = reason === "" ? { status } : { status, reason };
      const answers = await Promise.allSettled(alerts.map((alert) => arm.json<Alert>(operations.AlertPatch, alert.id, { body: { properties } })));
      const failed = answers.find((answer) => answer.status === "rejected");
      if (failed !== undefined) throw failed.reason;
      return alerts.length;
    },
    onSettled: () => {
      void client.invalidateQueries({ queryKey: ["alerts"] });
      void client.invalidateQueries({ queryKey: ["alert"] });
    },
  });
}

/** What an identity did an hour before and after a moment, newest first. */
export function useActionsAround(subscription: string, caller: string, at: string) {
  const { arm } = useAccess();
  return useQuery({
    queryKey: ["actions", subscription, caller, at],
    enabled: caller !== "" && !Number.isNaN(Date.parse(at)),
    staleTime: 30_000,
    queryFn: ({ signal }) => {
      const where = resourcePath(`/subscriptions/${encodeURIComponent(subscription)}`, "Microsoft.Insights/eventtypes", "management");
      const $filter = actionsFilter(caller, new Date(at));
      return arm.list<ActivityEvent>(operations.ActivityLogList, where, { query: { $filter }, signal }, 500);
    },
  });
}

/** What can be done against the identity of an alert, or at its machine. */
export type Response =
  | { readonly act: "revoke"; readonly evidence: Evidence }
  | { readonly act: "disableVm"; readonly resource: string }
  | { readonly act: "disableSubscription"; readonly subscription: string };

/** Does it, and gives the server's answer in a sentence. */
export function useResponse() {
  const { arm } = useAccess();
  return useMutation({
    mutationFn: async (response: Response): Promise<string> => {
      switch (response.act) {
        case "revoke": {
          const { status } = await arm.response(operations.RoleAssignmentDelete, response.evidence.assignment);
          return status === 204 ? "The role assignment was gone already." : `The role ${response.evidence.role} was taken away at ${response.evidence.scope}.`;
        }
        case "disableVm": {
          const vm = vmIdOf(response.resource) ?? response.resource;
          const port = resourcePath(vm, operations.SerialPortPut.type, "0");
          const answer = await arm.json<{ properties?: { state?: string } }>(operations.SerialPortPut, port, { body: { properties: { state: "disabled" } } });
          return `The machine's serial console is ${answer.properties?.state ?? "disabled"} now. Sessions at it end.`;
        }
        case "disableSubscription": {
          const at = resourcePath(`/subscriptions/${encodeURIComponent(response.subscription)}`, operations.ConsoleServiceDisable.type, "default");
          await arm.response(operations.ConsoleServiceDisable, at);
          return "The serial consoles of the subscription are disabled now. Open sessions end.";
        }
      }
    },
  });
}

/** The rules of every subscription. */
export function useRules() {
  const { arm } = useAccess();
  const client = useQueryClient();
  const [refusals] = useState<Refusals>(() => new Map());
  return useQuery({
    queryKey: ["rules"],
    refetchInterval: unlessRefused(5 * LIVE),
    queryFn: async ({ signal }): Promise<Listing<Rule>> => {
      const subscriptions = await subscriptionsOf(client, arm);
      const found = await askEach(subscriptions, refusals, (at) => arm.list<Rule>(operations.DetectionRuleList, at, { signal }));
      return { ...found, more: false };
    },
  });
}

export function useRule(subscription: string, name: string, live = true) {
  const { arm } = useAccess();
  return useQuery({
    queryKey: ["rule", subscription, name],
    enabled: name !== "",
    refetchInterval: live ? unlessRefused(5 * LIVE) : false,
    queryFn: ({ signal }) => arm.json<Rule>(operations.DetectionRuleGet, ruleId(subscription, name), { signal }),
  });
}

/** Switches a rule on or off. */
export function useRuleSwitch() {
  const { arm } = useAccess();
  const client = useQueryClient();
  return useMutation({
    mutationFn: ({ rule, enabled }: { readonly rule: Rule; readonly enabled: boolean }) =>
      arm.json<Rule>(operations.DetectionRulePatch, rule.id, { body: { properties: { enabled } } }),
    onSettled: () => rulesChanged(client),
  });
}

/** Sets the exceptions of a rule, over the version that was read. Done only when the rule was asked for anew, also after a refusal. */
export function useExceptions() {
  const { arm } = useAccess();
  const client = useQueryClient();
  return useMutation({
    mutationFn: ({ rule, exceptions }: { readonly rule: Rule; readonly exceptions: readonly ExceptionItem[] }) =>
      arm.json<Rule>(operations.DetectionRulePatch, rule.id, {
        body: { properties: { exceptions } },
        headers: rule.etag === undefined ? undefined : { "If-Match": rule.etag },
      }),
    onSettled: () => rulesChanged(client),
  });
}

/** Whether the caller may do it in a subscription; when that cannot be known, the server decides when it is tried. */
export function useMay(subscription: string, operation: Operation): boolean {
  const { arm } = useAccess();
  const query = useQuery({
    queryKey: ["rights", subscription],
    staleTime: 60_000,
    queryFn: ({ signal }) => arm.list<Permission>(operations.PermissionList, `/subscriptions/${encodeURIComponent(subscription)}`, { signal }),
  });
  return query.data === undefined ? query.isError : operation.requires === null || allows(query.data, operation.requires);
}

/** Removes a rule. */
export function useRuleDelete() {
  const { arm } = useAccess();
  const client = useQueryClient();
  return useMutation({
    mutationFn: (rule: Rule) => arm.response(operations.DetectionRuleDelete, rule.id),
    onSuccess: (_answer, rule) => client.removeQueries({ queryKey: ["rule"], predicate: ({ queryKey }) => queryKey[2] === rule.name }),
    onSettled: () => client.invalidateQueries({ queryKey: ["rules"] }),
  });
}

/** A rule's text to keep. */
export interface RuleText {
  readonly name: string;
  readonly source: string;
  /** The version that was read; null for a rule that is not there yet. */
  readonly etag: string | null;
}

/** Saves a rule's text: only over the version that was read, and a new one over nothing. */
export function useRuleSave(subscription: string) {
  const { arm } = useAccess();
  const client = useQueryClient();
  return useMutation({
    mutationFn: ({ name, source, etag }: RuleText) => {
      const headers: Record<string, string> = etag === null ? { "If-None-Match": "*" } : { "If-Match": etag };
      return arm.json<Rule>(operations.DetectionRulePut, ruleId(subscription, name), { body: { properties: { source } }, headers });
    },
    onSettled: () => rulesChanged(client),
  });
}

async function rulesChanged(client: QueryClient): Promise<void> {
  await Promise.all([client.invalidateQueries({ queryKey: ["rules"] }), client.invalidateQueries({ queryKey: ["rule"] })]);
}

/** What the server says about a rule's text; the last answer stays until the next one is there. */
export function useRuleCheck(subscription: string, source: string) {
  const { arm } = useAccess();
  return useQuery({
    queryKey: ["checkRule", subscription, source],
    enabled: source !== "",
    staleTime: 60_000,
    gcTime: 60_000,
    placeholderData: keepPreviousData,
    refetchOnWindowFocus: false,
    queryFn: ({ signal }) => arm.json<RuleCheck>(operations.DetectionRuleCheck, detectionAt(subscription), { body: { source }, signal }),
  });
}

/** Tries a rule, or a text that is not saved, on the last `days`. */
export function useTrial(subscription: string) {
  const { arm } = useAccess();
  return useMutation({
    mutationFn: ({ days, ...what }: { readonly days: number } & ({ readonly rule: string } | { readonly source: string })) => {
      const toSecond = Math.floor(Date.now() / 1000);
      const body = { ...what, fromSecond: toSecond - days * 86_400, toSecond };
      return arm.json<Trial>(operations.DetectionRuleTry, detectionAt(subscription), { body });
    },
  });
}

/** Loads rule files. */
export function useRuleImport() {
  const { arm } = useAccess();
  const client = useQueryClient();
  return useMutation({
    mutationFn: async ({ subscription, files, enabled }: { readonly subscription: string; readonly files: readonly RuleFile[]; readonly enabled: boolean }) => {
      const rules: ImportedRule[] = [];
      for (const some of batches(files)) {
        const body = { files: some, enabled };
        const answer = await arm.json<{ rules?: readonly ImportedRule[] }>(operations.DetectionRuleImport, detectionAt(subscription), { body });
        rules.push(...(answer.rules ?? []));
      }
      return rules;
    },
    onSettled: () => rulesChanged(client),
  });
}
