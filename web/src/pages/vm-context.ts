import { useOutletContext } from "react-router";
import type { Vm } from "../api/models";
import type { usePower } from "../api/queries";

/** What the pages of one VM share. */
export interface VmContext {
  readonly vm: Vm;
  /** The VM's resource id. */
  readonly id: string;
  readonly power: ReturnType<typeof usePower>;
}

export const useVmContext = (): VmContext => useOutletContext<VmContext>();

/** True for a machine that something else runs: only its serial port is here. */
export function isAttached(vm: Vm): boolean {
  return vm.properties?.hardlineProfile?.driver?.toLowerCase() === "attach";
}
