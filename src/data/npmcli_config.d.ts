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
