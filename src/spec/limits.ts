// How large input may be, in one place. Far above what anybody has needed, far below what would hang or exhaust a machine.

/** Suite files: the longest that come with the project have 6 kB. */
export const SUITE_BYTES = 1e6;

/** Levels of objects and lists in suites and baselines; they have up to seven. */
export const JSON_DEPTH = 32;

/** Label files: CIFAR-10N's, the largest known, has 2.4 MB. */
export const LABEL_FILE_BYTES = 32e6;

/** Files of predictions: scores of 50,000 images as text have about 10 MB. */
export const PREDICTION_FILE_BYTES = 64e6;

/** External rows of a results folder: a row has up to 60 kB. */
export const EXTERNAL_BYTES = 256e6;

/** Data sets of users, packed and unpacked: they are held in memory by every process that trains. */
export const NPZ_BYTES = 1e9;

/** How many times its packed size an array may have: pictures are packed to half or a third, what is drawn to a tenth. */
export const NPZ_RATIO = 100;

/** Files of transition matrices: 100 x 100 numbers of 24 characters have 240 kB. */
export const MATRIX_BYTES = 4e6;

/** Operations of a pickle: CIFAR-10N's has about a hundred. */
export const PICKLE_OPERATIONS = 10_000;

/** Any other text file: the largest here, baselines, have 100 kB; an event log of `table4` would have about 5 MB. */
export const TEXT_FILE_BYTES = 64e6;

/** All records of a results folder in one file: `table4` would have 6 MB. No text in memory can have more than 536 million characters. */
export const ARCHIVE_BYTES = 500e6;

/** Checkpoints: one of WRN-28-10 has 300 MB. Node can make none of 2 GB. */
export const CHECKPOINT_BYTES = 2e9;

/** Characters of a suite's sentences: they are printed under every table. */
export const SENTENCE_LENGTH = 2000;

/** Characters of a name: file systems allow 255 bytes, and names of folders are made of several. */
export const NAME_LENGTH = 64;

/** Characters of an address: what browsers and servers are sure to take is a few times as long. */
export const URL_LENGTH = 500;

/** Seeds of a suite, and what --seeds can ask for. */
export const SEEDS = 1000;

/** Cells of a suite's table, all seeds counted: planning them takes about a second. */
export const CELLS = 10_000;

/** Layers: ResNet-1202 (He et al., 2016) is the deepest published for CIFAR-10. */
export const DEPTH = 1202;

/** Widening factors: Wide ResNets were published up to 20. */
export const WIDTH = 100;

/** Weights of a network: training holds several copies of them, of 4 bytes each. WRN-28-10 has 36.5 million. */
export const WEIGHTS = 5e8;

/** Kept weights: as many as a network may have, twice for methods with two, and names. */
export const WEIGHTS_BYTES = 2 * 4 * WEIGHTS + 1e7;

/** Epochs of a run: the paper's longest has 1,800. */
export const EPOCHS = 100_000;

/** Threads of a run: more than the processors of any one machine would each get none of its work. */
export const THREADS = 1024;

/** A source file of a user's own, or of a package that it imports: the largest bundled packages have a few MB. */
export const USER_FILE_BYTES = 32e6;
