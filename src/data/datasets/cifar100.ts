// CIFAR-100 (Krizhevsky, 2009), by its hundred fine classes.
import { officialArchive100 } from '../fetch_archive.js';
import type { Dataset } from './dataset.js';
import { CHANNELS, IMAGE_SIZE, loadOfficial, type OfficialData, prepareOfficial } from './official.js';

/** The official binary version's files of records of two label bytes, coarse and fine, and an image. */
export const CIFAR100_FILES: OfficialData = {
  title: 'CIFAR-100',
  folder: 'cifar100',
  archiveFolder: 'cifar-100-binary',
  train: [{ name: 'train.bin', sha256: 'f31298fc616915fa142368359df1c4ca2ae984d6915ca468b998a5ec6aeebf29' }],
  test: [{ name: 'test.bin', sha256: 'd8b1e6b7b3bee4020055f0699b111f60b1af1e262aeb93a0b659061746f8224a' }],
  labelBytes: 2,
  label: 1,
  sources: [officialArchive100],
  files: "the files of CIFAR-100's binary version, train.bin and test.bin",
};

/** The twenty superclasses in the order of their labels, each with its classes in the order of theirs. */
const SUPERCLASSES = [
  'beaver dolphin otter seal whale',
  'aquarium_fish flatfish ray shark trout',
  'orchid poppy rose sunflower tulip',
  'bottle bowl can cup plate',
  'apple mushroom orange pear sweet_pepper',
  'clock keyboard lamp telephone television',
  'bed chair couch table wardrobe',
  'bee beetle butterfly caterpillar cockroach',
  'bear leopard lion tiger wolf',
  'bridge castle house road skyscraper',
  'cloud forest mountain plain sea',
  'camel cattle chimpanzee elephant kangaroo',
  'fox porcupine possum raccoon skunk',
  'crab lobster snail spider worm',
  'baby boy girl man woman',
  'crocodile dinosaur lizard snake turtle',
  'hamster mouse rabbit shrew squirrel',
  'maple_tree oak_tree palm_tree pine_tree willow_tree',
  'bicycle bus motorcycle pickup_truck train',
  'lawn_mower rocket streetcar tank tractor',
].map((names) => names.split(' '));

// Labels follow the alphabet.
const classNames = SUPERCLASSES.flat().sort();

export const cifar100: Dataset = {
  name: 'cifar100',
  title: 'CIFAR-100',
  cite: 'Krizhevsky, 2009',
  classNames,
  imageSize: IMAGE_SIZE,
  channels: CHANNELS,
  // As commonly given for it.
  mean: [0.50707516, 0.48654887, 0.44091784],
  deviation: [0.26733429, 0.25643846, 0.27615047],
  trainImages: 50_000,
  testImages: 10_000,
  similar: {
    to: classNames.map((name) => {
      const classes = SUPERCLASSES.find((some) => some.includes(name))!;
      return classNames.indexOf(classes[(classes.indexOf(name) + 1) % classes.length]!);
    }),
    inWords: 'each class to the next of its superclass',
  },
  human: {
    file: 'CIFAR-100_human.pt',
    from: 'https://github.com/UCSC-REAL/cifar-10-100n',
    cite: 'Wei et al., 2022, CIFAR-100N',
    clean: 'clean_label',
    sets: { fine: { array: 'noisy_label' } },
  },
  load: (options) => loadOfficial(CIFAR100_FILES, options),
  prepare: (options) => prepareOfficial(CIFAR100_FILES, options),
};
