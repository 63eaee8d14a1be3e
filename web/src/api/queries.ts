// The portal's questions to the server, with how often they are asked again.

import { keepPreviousData, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useAccess } from "../app/access";
import { Failure, isRefusal } from "./failure";
import type { ArmClient } from "./client";
import type { ActivityEvent, ScaleSet, SerialLog, Subscription, Vm } from "./models";
import { operations, type Operation } from "./operations";
import { parseVmId, resourcePath, type QueryValues } from "./paths";

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
export const unlessRefused = (interval: number) => (query: { readonly state: { readonly error: unknown } }) =>
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
            const at = `/subscriptions/${subscriptionId}`;
            const vms = await arm.list<Vm>(operations.VmList, at, { query: { $expand: "instanceView" }, signal });
            return [...vms, ...(await instances(arm, at, signal, refusals))];
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

/** Instances of Uniform scale sets; those of Flexible ones are VMs. Sets that refuse are left out, and not asked again. */
async function instances(arm: ArmClient, at: string, signal: AbortSignal, refusals: Map<string, unknown>): Promise<Vm[]> {
  const quietly = async <T>(operation: Operation, where: string, query: QueryValues): Promise<readonly T[]> => {
    const key = `${operation.name} ${where}`;
    if (refusals.has(key)) return [];
    try {
      return await arm.list<T>(operation, where, { query, signal });
    } catch (error) {
      if (!isRefusal(error)) throw error;
      if (error instanceof Failure && error.status === 403) refusals.set(key, error);
      return [];
    }
  };
  const sets = await quietly<ScaleSet>(operations.ScaleSetList, at, {});
  const uniform = sets.filter((set) => set.properties?.orchestrationMode !== "Flexible");
  const found = await Promise.all(uniform.map((set) => quietly<Vm>(operations.InstanceList, set.id, { $expand: "instanceView" })));
  return found.flat();
}

/** Whether an id is that of a scale set's instance. */
const isInstance = (id: string): boolean => parseVmId(id)?.set !== undefined;

export function useVm(id: string) {
  const { arm } = useAccess();
  const get = isInstance(id) ? operations.InstanceGet : operations.VmGet;
  return useQuery({
    queryKey: ["vm", id.toLowerCase()],
    refetchInterval: unlessRefused(LIVE),
    queryFn: ({ signal }) => arm.json<Vm>(get, id, { query: { $expand: "instanceView" }, signal }),
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
const INSTANCE_POWER: Readonly<Record<PowerAction, Operation>> = {
  start: operations.InstanceStart,
  restart: operations.InstanceRestart,
  stop: operations.InstancePowerOff,
  deallocate: operations.InstanceDeallocate,
};

/** A power action, from its request to its end. */
export function usePower(id: string) {
  const { arm } = useAccess();
  const client = useQueryClient();
  return useMutation({
    mutationFn: (action: PowerAction) =>
      arm.run((isInstance(id) ? INSTANCE_POWER : POWER)[action], id, action === "stop" ? { query: { skipShutdown: false } } : {}),
    onSettled: () => {
      void client.invalidateQueries({ queryKey: ["vm", id.toLowerCase()] });
      void client.invalidateQueries({ queryKey: ["activity", id.toLowerCase()] });
    },
  });
}

/** Whether asking again can help: not after a refusal. */
export function worthRetrying(count: number, error: unknown): boolean {
  return !isRefusal(error) && count < 2;
}
