// Which pastes are asked about first: on a console, a line feed in a paste is Enter.

/** A paste of more bytes than this is asked about. */
const LARGE = 512;

export interface Paste {
  readonly bytes: number;
  readonly lines: number;
  /** Whether to ask. */
  readonly risky: boolean;
}

/** Looks at `text` before it is pasted. */
export function inspect(text: string): Paste {
  const bytes = new TextEncoder().encode(text).length;
  const lines = text.split(/\r\n|\r|\n/).length;
  return { bytes, lines, risky: bytes > LARGE || lines > 1 };
}
