// The console's state for React: every event changes it, but a page is drawn anew only for what it shows.

import { INITIAL, reduce, type ConsoleEvent, type ConsoleState } from "./state";

export class ConsoleStore {
  private state: ConsoleState = INITIAL;
  private shown: ConsoleState = INITIAL;
  private readonly listeners = new Set<() => void>();

  readonly emit = (event: ConsoleEvent): void => {
    this.state = reduce(this.state, event);
    // Output moves only the offset, thousands of times a second.
    if (event.type === "message" && event.message.kind === "output") return;
    if (this.state === this.shown) return;
    this.shown = this.state;
    for (const listener of this.listeners) listener();
  };
  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };
  readonly current = (): ConsoleState => this.shown;
}
