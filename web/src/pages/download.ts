// Saves what the server holds as a file of the person's.

import type { ArmClient } from "../api/client";
import { Failure, failureFrom } from "../api/failure";
import { operations } from "../api/operations";
import { parseVmId } from "../api/paths";

/** The two signed addresses of a VM's boot diagnostics. */
interface BootData {
  readonly consoleScreenshotBlobUri?: string;
  readonly serialConsoleLogBlobUri?: string;
}

/** Downloads the whole log or the screenshot from storage, straight to disk. */
export async function downloadBlob(arm: ArmClient, vmId: string, which: keyof BootData, name: string): Promise<void> {
  const instance = parseVmId(vmId)?.set !== undefined;
  const retrieve = instance ? operations.InstanceRetrieveBootDiagnosticsData : operations.VmRetrieveBootDiagnosticsData;
  const data = await arm.json<BootData>(retrieve, vmId, { query: { sasUriExpirationTimeInMinutes: 5 } });
  const uri = data[which];
  if (uri === undefined) throw new Failure(404, "NoBlob", "The server gave no address for it.");
  // Asked first with HEAD: an error must be shown here, not be saved as the file.
  let head: Response;
  try {
    head = await fetch(uri, { method: "HEAD", credentials: "omit", cache: "no-store" });
  } catch {
    throw new Failure(0, "Unreachable", "The storage endpoint gave no answer.");
  }
  if (!head.ok) {
    const code = head.headers.get("x-ms-error-code") ?? "";
    const what = code === "BlobNotFound" ? "Nothing has been captured yet." : `The storage endpoint refused with status ${head.status}${code && `, ${code}`}.`;
    throw new Failure(head.status, code, failureFrom(head.status, "", null).status === 404 ? "Nothing has been captured yet." : what);
  }
  save(uri, name);
}

/** Lets the browser save `url` under `name`. */
export function save(url: string, name: string): void {
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.rel = "noopener";
  document.body.append(link);
  link.click();
  link.remove();
}

/** A file name from a VM's name and the time: no surprises in any file system. */
export function fileName(vm: string, now: Date, extension: string): string {
  const stamp = now.toISOString().slice(0, 19).replaceAll(":", "").replace("T", "-");
  return `${vm.replaceAll(/[^A-Za-z0-9._-]/g, "_")}-${stamp}.${extension}`;
}
