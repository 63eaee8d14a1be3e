// The console's state for React.

import { INITIAL, reduce, type ConsoleEvent, type ConsoleState } from "./state";

export class ConsoleStore {
  private state: ConsoleState = INITIAL;
  private readonly listeners = new Set<() => void>();

  readonly emit = (event: ConsoleEvent): void => {
    const next = reduce(this.state, event);
    // Output changes nothing here, thousands of times a second: the page is not drawn anew for it.
    if (next === this.state) return;
    this.state = next;
    for (const listener of this.listeners) listener();
  };
  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };
  readonly current = (): ConsoleState => this.state;
}
