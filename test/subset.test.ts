// Balanced subsets: shares of the classes, determinism, and that images keep their labels.
import { expect } from 'chai';
import type { ImageSet } from '../src/data/datasets/dataset.js';
import { balancedSubset, imagesAt } from '../src/data/subset.js';
import { stream } from '../src/io/random.js';
import { InputError } from '../src/spec/errors.js';

const CLASSES = 10;
const IMAGE_BYTES = 3072;

/** 200 images, 20 of each class in mixed order, whose first byte is their own place. */
const set: ImageSet = {
  count: 200,
  images: new Uint8Array(200 * IMAGE_BYTES),
  labels: Uint8Array.from({ length: 200 }, (_, i) => (i * 7) % CLASSES),
};
for (let i = 0; i < set.count; i++) set.images[i * IMAGE_BYTES] = i;

const draw = (count: number, seed = 1) => {
  const indices = balancedSubset(set.labels, CLASSES, count, stream(seed, 'subset'));
  return { set: imagesAt(set, indices), indices };
};
const shares = (labels: Uint8Array) =>
  Array.from({ length: CLASSES }, (_, label) => labels.filter((l) => l === label).length);

describe('balanced subsets', () => {
  it('have equally many images of every class, without repetition, in ascending order', () => {
    const { set: subset, indices } = draw(50);
    expect(shares(subset.labels)).to.deep.equal(new Array(CLASSES).fill(5));
    expect([...indices]).to.deep.equal([...new Set(indices)].sort((a, b) => a - b));
  });

  it('give the remainder to as many classes, which depend on the seed', () => {
    const { set: subset } = draw(53);
    expect(shares(subset.labels).sort()).to.deep.equal([5, 5, 5, 5, 5, 5, 5, 6, 6, 6]);
    const patterns = [1, 2, 3, 4].map((seed) => shares(draw(53, seed).set.labels).join());
    expect(new Set(patterns).size).to.be.greaterThan(1);
  });

  it('keep image and label together', () => {
    const { set: subset, indices } = draw(37);
    expect(subset.count).to.equal(37);
    expect(subset.images).to.have.lengthOf(37 * IMAGE_BYTES);
    for (const [to, from] of indices.entries()) {
      expect(subset.images[to * IMAGE_BYTES]).to.equal(from);
      expect(subset.labels[to]).to.equal(set.labels[from]);
    }
  });

  it('are the same for the same seed, others for another, and nested', () => {
    expect(draw(40).indices).to.deep.equal(draw(40).indices);
    expect(draw(40).indices).not.to.deep.equal(draw(40, 2).indices);
    expect([...draw(80).indices]).to.include.members([...draw(40).indices]);
  });

  it('are the whole set in its own order if all images are wanted', () => {
    const { set: all, indices } = draw(200);
    expect(all).to.equal(set);
    expect([...indices]).to.deep.equal([...set.labels.keys()]);
  });

  it('refuse sizes that cannot be', () => {
    for (const count of [0, -10, 201, 10.5, Number.NaN]) {
      expect(() => draw(count)).to.throw(InputError, `${count} images`);
    }
    expect(() => balancedSubset(new Uint8Array(200), CLASSES, 50, stream(1))).to.throw(
      InputError,
      '5 of class 1; there are 0',
    );
  });
});
