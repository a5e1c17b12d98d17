// The part of npm's own configuration loader that is used here (the package has no types of its own).
declare module '@npmcli/config' {
  interface ConfigOptions {
    definitions: unknown;
    flatten: unknown;
    nerfDarts: unknown;
    shorthands: unknown;
    /** Folder of the calling program. */
    npmPath: string;
    env: NodeJS.ProcessEnv;
    argv: string[];
  }
  export default class Config {
    constructor(options: ConfigOptions);
    load(): Promise<void>;
    /** Every setting under the name that npm's libraries take it by. */
    readonly flat: Record<string, unknown>;
  }
}

declare module '@npmcli/config/lib/definitions/index.js' {
  const definitions: Record<'definitions' | 'flatten' | 'nerfDarts' | 'shorthands', unknown>;
  export default definitions;
}

// The part of npm's way to its registry that is used here (the types that others made for it bring packages along).
declare module 'npm-registry-fetch' {
  interface Answer {
    status: number;
    headers: { get(name: string): string | null };
    body: AsyncIterable<Buffer> & { destroy(error?: Error): void };
  }
  /** @throws an error for an answer of 400 or above */
  export default function fetch(address: string, options: Record<string, unknown>): Promise<Answer>;
}
