// A place to get TensorFlow's C library from.

/** The processor TensorFlow is installed for. */
export type Device = 'cpu' | 'gpu';

/** What a source needs to fetch. */
export interface Fetch {
  /** Empty folder to fill. */
  folder: string;
  /** Another empty folder, for what is not to be kept. */
  work: string;
  device: Device;
  /** Gets a line about each step. */
  say: (line: string) => void;
  signal: AbortSignal;
}

export interface LibrarySource {
  /** Where it comes from, for the user's eyes. */
  name: string;
  /** Version of TensorFlow. */
  version: string;
  /** Disk space in bytes that fetching takes for a while. */
  space: Record<Device, number>;
  /** Bytes to download, about. */
  download: Record<Device, number>;
  /** Whether it has anything for this operating system and processor. */
  available(): boolean;
  /**
   * Fills the folder with `lib` (shared libraries under the names the addon's linker looks for) and `include`
   * (C headers), verified.
   *
   * @throws an Error whose message is one line if it cannot
   */
  fetch(fetch: Fetch): Promise<void>;
}
