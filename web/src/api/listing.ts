// One list out of what several subscriptions answer.

import type { Alert } from "./detection";
import { isRefusal } from "./failure";
import type { Subscription } from "./models";

/** Something of a subscription. */
export interface Listed<T> {
  readonly subscription: Subscription;
  readonly item: T;
}

export interface Listing<T> {
  readonly items: readonly Listed<T>[];
  readonly subscriptions: readonly Subscription[];
  readonly refused: readonly { readonly subscription: Subscription; readonly error: unknown }[];
  /** There are more than were asked for. */
  readonly more: boolean;
}

/** The subscriptions that have refused, each with its refusal. */
export type Refusals = Map<string, unknown>;

/** What `ask` gives for each subscription. One that refused is not asked again: each refusal is in the activity log. */
export async function askEach<T>(
  subscriptions: readonly Subscription[], refusals: Refusals, ask: (at: string) => Promise<readonly T[]>,
): Promise<Omit<Listing<T>, "more">> {
  const answers = await Promise.allSettled(
    subscriptions.map(async ({ subscriptionId }) => {
      if (refusals.has(subscriptionId)) throw refusals.get(subscriptionId);
      try {
        return await ask(`/subscriptions/${encodeURIComponent(subscriptionId)}`);
      } catch (error) {
        if (isRefusal(error)) refusals.set(subscriptionId, error);
        throw error;
      }
    }),
  );
  const items: Listed<T>[] = [];
  const refused: { subscription: Subscription; error: unknown }[] = [];
  answers.forEach((answer, i) => {
    const subscription = subscriptions[i];
    if (subscription === undefined) return;
    if (answer.status === "fulfilled") items.push(...answer.value.map((item) => ({ subscription, item })));
    else refused.push({ subscription, error: answer.reason as unknown });
  });
  const failed = refused[0];
  if (failed !== undefined && refused.length === subscriptions.length) throw failed.error;
  return { items, subscriptions, refused };
}

/** The alerts of several subscriptions as one list of at most `limit`, newest first. */
export function newest(items: readonly Listed<Alert>[], limit: number): Pick<Listing<Alert>, "items" | "more"> {
  const at = ({ item }: Listed<Alert>): string => item.properties?.time ?? "";
  const sorted = [...items].sort((a, b) => (at(b) < at(a) ? -1 : at(b) > at(a) ? 1 : 0));
  return { items: sorted.slice(0, limit), more: sorted.length > limit };
}
