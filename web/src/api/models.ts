// What the portal reads of the server's documents: every member may be absent, none is trusted to be there.

export interface Status {
  readonly code?: string;
  readonly level?: string;
  readonly displayStatus?: string;
  readonly message?: string;
  readonly time?: string;
}

export interface InstanceView {
  readonly statuses?: readonly Status[];
  readonly computerName?: string;
  readonly osName?: string;
  readonly bootDiagnostics?: { readonly status?: Status };
  readonly [ours: string]: unknown;
}

export interface ImageReference {
  readonly id?: string;
  readonly publisher?: string;
  readonly offer?: string;
  readonly sku?: string;
  readonly version?: string;
}

export interface Vm {
  readonly id: string;
  readonly name: string;
  readonly location?: string;
  readonly tags?: Readonly<Record<string, string>>;
  readonly properties?: {
    readonly vmId?: string;
    readonly provisioningState?: string;
    readonly timeCreated?: string;
    readonly hardwareProfile?: { readonly vmSize?: string };
    readonly storageProfile?: { readonly imageReference?: ImageReference };
    readonly osProfile?: { readonly computerName?: string; readonly adminUsername?: string };
    readonly diagnosticsProfile?: { readonly bootDiagnostics?: { readonly enabled?: boolean; readonly storageUri?: string } };
    readonly hardlineProfile?: { readonly driver?: string; readonly host?: string; readonly serial?: string };
    readonly instanceView?: InstanceView;
  };
}

/** A scale set. */
export interface ScaleSet {
  readonly id: string;
  readonly properties?: { readonly orchestrationMode?: string };
}

export interface Subscription {
  readonly subscriptionId: string;
  readonly displayName?: string;
  readonly state?: string;
}

export interface Localized {
  readonly value?: string;
  readonly localizedValue?: string;
}

export interface ActivityEvent {
  readonly eventDataId?: string;
  readonly operationId?: string;
  readonly correlationId?: string;
  readonly eventTimestamp?: string;
  readonly caller?: string;
  readonly level?: string;
  readonly resourceId?: string;
  readonly operationName?: Localized;
  readonly status?: Localized;
  readonly subStatus?: Localized;
  readonly httpRequest?: { readonly clientIpAddress?: string };
  readonly properties?: Readonly<Record<string, string>>;
}

export interface Boot {
  readonly bootId: string;
  readonly offset: number;
  readonly time?: string;
  readonly cause?: string;
}

export interface LogGap {
  readonly start: number;
  readonly length: number | null;
  readonly reason: string;
  readonly time?: string;
}

export interface SerialLog {
  readonly properties: {
    readonly start: number;
    readonly end: number;
    readonly boots?: readonly Boot[];
    readonly gaps?: readonly LogGap[];
  };
}

/** A VM's power state as people say it. */
export type Power =
  | "running" | "starting" | "stopping" | "stopped" | "deallocating" | "deallocated" | "failed" | "unknown";

const POWERS: readonly string[] = ["running", "starting", "stopping", "stopped", "deallocating", "deallocated"];

/** The power state in an instance view. */
export function powerOf(vm: Vm): Power {
  for (const status of vm.properties?.instanceView?.statuses ?? []) {
    const state = /^PowerState\/(.+)$/i.exec(status.code ?? "")?.[1]?.toLowerCase();
    if (state !== undefined) return POWERS.includes(state) ? (state as Power) : "unknown";
  }
  return "unknown";
}

/** What the host says about a VM that is not as it should be; null when all is well. */
export function troubleOf(vm: Vm): string | null {
  for (const status of vm.properties?.instanceView?.statuses ?? []) {
    if (status.level === "Error" || status.level === "Warning") {
      return status.message ?? status.displayStatus ?? status.code ?? null;
    }
  }
  return null;
}

/** Whether boot diagnostics is on; absent means off, as in Azure. */
export function diagnosticsOn(vm: Vm): boolean {
  return vm.properties?.diagnosticsProfile?.bootDiagnostics?.enabled === true;
}

/** An image in one line. */
export function imageName(image: ImageReference | undefined): string {
  if (!image) return "-";
  if (image.id) return image.id.split("/").pop() ?? image.id;
  return [image.publisher, image.offer, image.sku, image.version].filter(Boolean).join(" / ") || "-";
}
