// Rule files that a person chose or dropped, folders with all that is in them.

export interface RuleFile {
  readonly name: string;
  readonly content: string;
}

export interface Picked {
  readonly files: readonly RuleFile[];
  /** Files that were left out, each with the reason. */
  readonly left: readonly { readonly name: string; readonly why: string }[];
}

/** Most files at once. */
export const MOST_FILES = 2000;
/** Largest file, bytes. */
export const LARGEST = 1_048_576;
/** Most text of one request, UTF-16 code units. */
const BATCH = 1_000_000;

const RULES = /\.(toml|ndjson|json)$/i;

/** Reads those of `files` that can be rules. */
export async function readRuleFiles(files: readonly Pick<File, "name" | "size" | "text">[]): Promise<Picked> {
  const read: RuleFile[] = [];
  const left: { name: string; why: string }[] = [];
  for (const file of files) {
    if (!RULES.test(file.name)) left.push({ name: file.name, why: "It is no .toml or .ndjson file." });
    else if (file.size > LARGEST) left.push({ name: file.name, why: "It is larger than 1 MiB." });
    else if (read.length >= MOST_FILES) left.push({ name: file.name, why: `More than ${MOST_FILES} files at once.` });
    else {
      try {
        read.push({ name: file.name, content: await file.text() });
      } catch {
        left.push({ name: file.name, why: "The browser could not read it." });
      }
    }
  }
  return { files: read, left };
}

/** The files in requests of a size that the server takes; a file is never cut. */
export function batches(files: readonly RuleFile[]): RuleFile[][] {
  const all: RuleFile[][] = [];
  let size = 0;
  for (const file of files) {
    const last = all.at(-1);
    if (last === undefined || size + file.content.length > BATCH) {
      all.push([file]);
      size = file.content.length;
    } else {
      last.push(file);
      size += file.content.length;
    }
  }
  return all;
}

/** The files of a drop, those of dropped folders too. */
export async function filesOfDrop(data: DataTransfer): Promise<File[]> {
  // Both must be asked for before the first wait: the browser empties the drop then.
  const entries = [...data.items].map((item) => item.webkitGetAsEntry());
  const plain = [...data.files];
  if (entries.every((entry) => entry === null || entry.isFile)) return plain;
  const files: File[] = [];
  for (const entry of entries) if (entry !== null) await walk(entry, files);
  return files;
}

async function walk(entry: FileSystemEntry, files: File[]): Promise<void> {
  if (files.length >= 2 * MOST_FILES) return;
  if (entry.isFile) {
    files.push(await new Promise<File>((resolve, reject) => (entry as FileSystemFileEntry).file(resolve, reject)));
    return;
  }
  const reader = (entry as FileSystemDirectoryEntry).createReader();
  for (;;) {
    // A reader gives some at a time, and none when there are no more.
    const some = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject));
    if (some.length === 0) return;
    for (const inside of some) await walk(inside, files);
  }
}
