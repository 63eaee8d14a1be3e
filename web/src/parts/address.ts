// Filters and order live in the page's address: a reload keeps them, and a link carries them.

import { useSearchParams } from "react-router";

/** The query of the address, how to set one key of it (an empty text takes it away), and how to put another in its place. */
export function useAddress(): readonly [URLSearchParams, (key: string, value: string) => void, (query: Readonly<Record<string, string>>) => void] {
  const [params, setParams] = useSearchParams();
  const set = (key: string, value: string): void =>
    setParams((before) => {
      const next = new URLSearchParams(before);
      if (value === "") next.delete(key);
      else next.set(key, value);
      return next;
    }, { replace: true });
  return [params, set, (query) => setParams(query, { replace: true })];
}

/** The column of `columns` that the address names, and which way; null when it names none. */
export function orderIn<C extends string>(params: URLSearchParams, columns: readonly (readonly [C, string])[]): { readonly by: C | null; readonly down: boolean } {
  const [named, direction] = (params.get("sort") ?? "").split(" ");
  return { by: columns.find(([column]) => column === named)?.[0] ?? null, down: direction === "desc" };
}

/** Whether a row's texts hold every word of a filter. */
export function holdsWords(filter: string): (texts: readonly string[]) => boolean {
  const words = filter.toLowerCase().split(/\s+/).filter(Boolean);
  return (texts) => {
    const all = texts.join("\n").toLowerCase();
    return words.every((word) => all.includes(word));
  };
}
