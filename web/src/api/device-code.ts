// Device codes: what another machine shows, and a signed-in person types here.

import type { ArmClient } from "./client";
import { operations } from "./operations";

const PROVIDER = "/providers/Hardline.Identity";
/** Letters in a code; vowels and digits are not among them. */
const LENGTH = 8;

/** Who waits for a code to be answered. */
export interface WaitingDevice {
  readonly clientId: string;
  /** The client's name for people, or its id. */
  readonly clientName: string;
  /** The address from which it asked. */
  readonly address: string;
  /** When it asked, and until when it waits. */
  readonly asked: string;
  readonly expires: string;
}

/** A code as it is shown while somebody types it: `BCDF-GHJK`. */
export function formatCode(typed: string): string {
  const letters = typed.toUpperCase().replaceAll(/[^A-Z]/g, "").slice(0, LENGTH);
  return letters.length > LENGTH / 2 ? `${letters.slice(0, LENGTH / 2)}-${letters.slice(LENGTH / 2)}` : letters;
}

/** Whether a code has all its letters. */
export function isComplete(code: string): boolean {
  return code.length === LENGTH + 1;
}

/** Who waits under `userCode`. The code goes into the body: addresses are logged. */
export function findDevice(arm: ArmClient, userCode: string): Promise<WaitingDevice> {
  return arm.json<WaitingDevice>(operations.DeviceCodeFind, PROVIDER, { body: { userCode } });
}

/** Signs the waiting device in as the caller, or refuses it. */
export async function answerDevice(arm: ArmClient, userCode: string, approve: boolean): Promise<void> {
  await arm.response(operations.DeviceCodeAnswer, PROVIDER, { body: { userCode, approve } });
}
