// What somebody may do: so that nothing is offered that the server would refuse. The server decides all the same.

/** What one role allows. */
export interface Permission {
  readonly actions?: readonly string[];
  readonly notActions?: readonly string[];
}

function covers(pattern: string, action: string): boolean {
  const parts = pattern.split("*").map((part) => part.replaceAll(/[.+?^${}()|[\]\\]/g, "\\$&"));
  return new RegExp(`^${parts.join(".*")}$`, "i").test(action);
}

/** Whether one of the roles allows the action; what a role takes away, it takes only from itself. */
export function allows(permissions: readonly Permission[], action: string): boolean {
  const any = (patterns: readonly string[] | undefined): boolean => (patterns ?? []).some((pattern) => covers(pattern, action));
  return permissions.some(({ actions, notActions }) => any(actions) && !any(notActions));
}
