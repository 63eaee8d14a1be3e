// URLs of operations, built from the rows of the server's table.

import type { Operation } from "./operations";

/** api-version of each namespace: the newest that the portal was written against. */
const API_VERSIONS: Readonly<Record<string, string>> = {
  "Microsoft.Resources": "2022-12-01",
  "Microsoft.Compute": "2024-11-01",
  "Microsoft.SerialConsole": "2024-07-01",
  "Microsoft.Insights": "2015-04-01",
};
const OURS = "2026-11-01";

/** The api-version to send with `operation`. */
export function apiVersion(operation: Operation): string {
  return API_VERSIONS[operation.type.split("/")[0] ?? ""] ?? OURS;
}

/** Path of a resource of `type`, below the subscription, group or resource `parent`. */
export function resourcePath(parent: string, type: string, ...names: string[]): string {
  const [namespace, ...types] = type.split("/");
  if (types.length !== names.length) throw new Error(`${type} takes ${types.length} names, got ${names.length}`);
  const pairs = types.map((t, i) => `${t}/${encodeURIComponent(names[i] ?? "")}`);
  return `${parent}/providers/${namespace}/${pairs.join("/")}`;
}

/**
 * Path of `operation` at `at`: the resource's id for an item or a verb; for a collection the id of the parent (a
 * subscription, a group, a resource, or "" for the whole tenant).
 */
export function operationPath(operation: Operation, at: string): string {
  switch (operation.target) {
    case "item":
      return at;
    case "verb":
      return `${at}/${operation.verb}`;
    case "collection": {
      if (operation.type === "Microsoft.Resources/subscriptions") return `${at}/subscriptions`;
      if (operation.type === "Microsoft.Resources/subscriptions/resourceGroups") return `${at}/resourceGroups`;
      const [namespace, ...types] = operation.type.split("/");
      if (types.length === 1) return `${at}/providers/${namespace}/${types[0]}`;
      return `${at}/${types[types.length - 1]}`;
    }
    case "elsewhere":
      throw new Error(`${operation.name} has no ARM path`);
  }
}

export type QueryValues = Readonly<Record<string, string | number | boolean | undefined>>;

/** Path and query of `operation` at `at`; `$` stays as it is, as every Azure client sends it. */
export function operationUrl(operation: Operation, at: string, query: QueryValues = {}): string {
  const parts = [`api-version=${apiVersion(operation)}`];
  for (const [key, value] of Object.entries(query)) {
    if (value !== undefined) parts.push(`${key}=${encodeURIComponent(String(value))}`);
  }
  return `${operationPath(operation, at)}?${parts.join("&")}`;
}

/** The parts of a VM's id that people read. */
export interface VmName {
  readonly subscription: string;
  readonly group: string;
  /** The scale set whose instance it is; the name is its number then. */
  readonly set?: string | undefined;
  readonly name: string;
}

const VM =
  /^\/subscriptions\/([^/]+)\/resourceGroups\/([^/]+)\/providers\/Microsoft\.Compute(?:\/virtualMachineScaleSets\/([^/]+))?\/virtualMachines\/([^/]+)$/i;

/** Reads the id of a VM or of a scale set's instance, in any case; null when it is something else. */
export function parseVmId(id: string): VmName | null {
  const match = VM.exec(id);
  if (!match) return null;
  const [, subscription, group, set, name] = match.map((part: string | undefined) => decodeURIComponent(part ?? ""));
  const vm = { subscription: subscription ?? "", group: group ?? "", name: name ?? "" };
  return set ? { ...vm, set } : vm;
}

/** The id of a VM. */
export function vmId({ subscription, group, set, name }: VmName): string {
  const scope = `/subscriptions/${encodeURIComponent(subscription)}/resourceGroups/${encodeURIComponent(group)}`;
  return set === undefined
    ? resourcePath(scope, "Microsoft.Compute/virtualMachines", name)
    : resourcePath(scope, "Microsoft.Compute/virtualMachineScaleSets/virtualMachines", set, name);
}

/** Where the portal shows a VM. */
export function vmPage(vm: VmName | null): string {
  if (vm === null) return "/vms";
  const { subscription, group, set, name } = vm;
  const parts = set === undefined ? [subscription, group, name] : [subscription, group, set, "instances", name];
  return `/vms/${parts.map(encodeURIComponent).join("/")}`;
}
