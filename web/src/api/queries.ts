// The portal's questions to the server, with how often they are asked again.

import { keepPreviousData, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useAccess } from "../app/access";
import { Failure } from "./failure";
import type { ActivityEvent, SerialLog, Subscription, Vm } from "./models";
import { operations, type Operation } from "./operations";
import { parseVmId, resourcePath } from "./paths";

/** Live state is at most this old, in milliseconds. */
export const LIVE = 2000;

/** A VM in a list, with its subscription's name. */
export interface ListedVm {
  readonly vm: Vm;
  readonly subscription: Subscription;
}

/** VMs of every subscription that the caller may read; a subscription that refuses is listed beside them. */
export interface VmListing {
  readonly vms: readonly ListedVm[];
  readonly subscriptions: readonly Subscription[];
  readonly refused: readonly { readonly subscription: Subscription; readonly error: unknown }[];
}

/** Asks again every `interval`, but not after a refusal: each one is an entry in the activity log. */
const unlessRefused = (interval: number) => (query: { readonly state: { readonly error: unknown } }) =>
  isRefusal(query.state.error) ? false : interval;

export function useVms() {
  const { arm } = useAccess();
  const [refusals] = useState(() => new Map<string, unknown>());
  return useQuery({
    queryKey: ["vms"],
    refetchInterval: unlessRefused(LIVE),
    queryFn: async ({ signal }): Promise<VmListing> => {
      const subscriptions = await arm.list<Subscription>(operations.SubscriptionList, "", { signal });
      const answers = await Promise.allSettled(
        subscriptions.map(async ({ subscriptionId }) => {
          if (refusals.has(subscriptionId)) throw refusals.get(subscriptionId);
          try {
            return await arm.list<Vm>(operations.VmList, `/subscriptions/${subscriptionId}`, { query: { $expand: "instanceView" }, signal });
          } catch (error) {
            if (isRefusal(error)) refusals.set(subscriptionId, error);
            throw error;
          }
        }),
      );
      const vms: ListedVm[] = [];
      const refused: { subscription: Subscription; error: unknown }[] = [];
      answers.forEach((answer, i) => {
        const subscription = subscriptions[i];
        if (subscription === undefined) return;
        if (answer.status === "fulfilled") vms.push(...answer.value.map((vm) => ({ vm, subscription })));
        else refused.push({ subscription, error: answer.reason });
      });
      const failed = refused[0];
      if (failed !== undefined && refused.length === subscriptions.length) throw failed.error;
      return { vms, subscriptions, refused };
    },
  });
}

export function useVm(id: string) {
  const { arm } = useAccess();
  return useQuery({
    queryKey: ["vm", id.toLowerCase()],
    refetchInterval: unlessRefused(LIVE),
    queryFn: ({ signal }) => arm.json<Vm>(operations.VmGet, id, { query: { $expand: "instanceView" }, signal }),
  });
}

/** What happened to a VM in the last day, newest first. */
export function useActivity(id: string) {
  const { arm } = useAccess();
  const subscription = parseVmId(id)?.subscription ?? "";
  return useQuery({
    queryKey: ["activity", id.toLowerCase()],
    refetchInterval: unlessRefused(10_000),
    queryFn: ({ signal }) => {
      const since = new Date(Date.now() - 24 * 3600 * 1000).toISOString();
      const at = resourcePath(`/subscriptions/${subscription}`, "Microsoft.Insights/eventtypes", "management");
      const $filter = `eventTimestamp ge '${since}' and resourceUri eq '${id.replaceAll("'", "''")}'`;
      return arm.list<ActivityEvent>(operations.ActivityLogList, at, { query: { $filter }, signal }, 200);
    },
  });
}

/** Offsets, boots and gaps of a VM's serial log. Asked again only when `occasion` changes: each time is an entry in the activity log. */
export function useSerialLog(id: string, occasion: number) {
  const { arm } = useAccess();
  return useQuery({
    queryKey: ["serialLog", id.toLowerCase(), occasion],
    staleTime: Infinity,
    refetchOnWindowFocus: false,
    placeholderData: keepPreviousData,
    retry: false,
    queryFn: ({ signal }) => {
      const at = resourcePath(id, operations.SerialLogGet.type, "0");
      return arm.json<SerialLog>(operations.SerialLogGet, at, { signal });
    },
  });
}

export type PowerAction = "start" | "restart" | "stop" | "deallocate";

const POWER: Readonly<Record<PowerAction, Operation>> = {
  start: operations.VmStart,
  restart: operations.VmRestart,
  stop: operations.VmPowerOff,
  deallocate: operations.VmDeallocate,
};

/** A power action, from its request to its end. */
export function usePower(id: string) {
  const { arm } = useAccess();
  const client = useQueryClient();
  return useMutation({
    mutationFn: (action: PowerAction) =>
      arm.run(POWER[action], id, action === "stop" ? { query: { skipShutdown: false } } : {}),
    onSettled: () => {
      void client.invalidateQueries({ queryKey: ["vm", id.toLowerCase()] });
      void client.invalidateQueries({ queryKey: ["activity", id.toLowerCase()] });
    },
  });
}

function isRefusal(error: unknown): boolean {
  return error instanceof Failure && error.status >= 400 && error.status < 500 && error.status !== 429;
}

/** Whether asking again can help: not after a refusal. */
export function worthRetrying(count: number, error: unknown): boolean {
  return !isRefusal(error) && count < 2;
}
