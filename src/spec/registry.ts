// What a suite can choose from by name: methods, noises, data sets, networks, augmentations, each a list of entries.

/** What is chosen by its name. */
export interface Named {
  name: string;
}

/** A file of a user's that an entry comes from. */
export interface EntryFile {
  /** What suites call the entry: the file's path as it is written there. */
  path: string;
  /** SHA-256 of its content, which tells its entry from others of the same name. */
  sha256: string;
}

interface Known<Entry> {
  entry: Entry;
  file?: EntryFile;
}

const nameOf = ({ entry, file }: Known<Named>) => file?.path ?? entry.name;
const isOf = (a: EntryFile | undefined, b: EntryFile) => a?.path === b.path && a.sha256 === b.sha256;

/** Entries in their order: the project's own, then those that were added. */
export class Registry<Entry extends Named> {
  private readonly known: Known<Entry>[];

  /** @param what one of its entries in words, e.g. `noise` */
  constructor(
    readonly what: string,
    ...entries: Entry[]
  ) {
    this.known = entries.map((entry) => ({ entry }));
  }

  get entries(): Entry[] {
    return this.known.map(({ entry }) => entry);
  }

  /** What suites call the entries. */
  get names(): string[] {
    return [...new Set(this.known.map(nameOf))];
  }

  /**
   * Adds an entry, in place of one of the same name or of the same file. Of files at one path with different contents, as two
   * results folders may have, specs tell which is meant, and the last added or preferred is what the path means.
   */
  add(entry: Entry, file?: EntryFile): void {
    const before = this.known.findIndex((known) =>
      file ? isOf(known.file, file) : !known.file && known.entry.name === entry.name,
    );
    if (before >= 0) this.known.splice(before, 1);
    this.known.push({ entry, ...(file && { file }) });
  }

  /** Makes a path mean this file's entry. @returns false if that is not known */
  prefer(file: EntryFile): boolean {
    const at = this.known.findIndex((known) => isOf(known.file, file));
    if (at >= 0) this.known.push(...this.known.splice(at, 1));
    return at >= 0;
  }

  /** Takes out what suites call so. */
  remove(name: string): void {
    for (const known of this.known.filter((known) => nameOf(known) === name))
      this.known.splice(this.known.indexOf(known), 1);
  }

  /** The entry that suites call so, if there is one. */
  find(name: string): Entry | undefined {
    return this.known.findLast((known) => nameOf(known) === name)?.entry;
  }

  /** The entry that suites call so. @throws Error naming those that are known */
  named(name: string): Entry {
    const entry = this.find(name);
    if (!entry) throw new Error(this.unknown(name));
    return entry;
  }

  /** The entry that a run's spec means, if it is known here. @param source SHA-256 of the file it comes from, if that is a user's */
  foundInSpec(name: string, source?: string): Entry | undefined {
    return this.known.find(({ entry, file }) => entry.name === name && file?.sha256 === source)?.entry;
  }

  /** The entry that a run's spec means. @throws Error naming those that are known */
  inSpec(name: string, source?: string): Entry {
    const entry = this.foundInSpec(name, source);
    if (!entry) throw new Error(this.unknown(source === undefined ? name : `${name} of the file ${source}`));
    return entry;
  }

  /** What a run's spec says of where an entry comes from; nothing of the project's own. */
  sourceOf(entry: Entry): { source?: string } {
    const { file } = this.known.find((known) => known.entry === entry) ?? {};
    return file ? { source: file.sha256 } : {};
  }

  private unknown(name: string): string {
    return `${this.what} ${JSON.stringify(name)} is not known; allowed: one of ${this.names.join(', ')}`;
  }
}
