// What runs are given to train on and to be tested on.
import { expect } from 'chai';
import type { ImageSet } from '../src/data/datasets/dataset.js';
import { ImagesOfRuns } from '../src/data/subset.js';
import { expand } from '../src/suite/expand.js';
import type { ResolvedSuite } from '../src/suite/resolve.js';
import { SUITE } from './fakes.js';

const IMAGE_BYTES = 3072;

/** Images that hold their own place, from `first`, in their first byte. */
function numbered(count: number, first: number): ImageSet {
  const images = new Uint8Array(count * IMAGE_BYTES);
  for (let i = 0; i < count; i++) images[i * IMAGE_BYTES] = first + i;
  return { count, images, labels: Uint8Array.from({ length: count }, (_, i) => i % 10) };
}

const places = ({ images, count }: ImageSet) =>
  Array.from({ length: count }, (_, i) => images[i * IMAGE_BYTES]!);

describe('validation images', () => {
  const cifar = { train: numbered(100, 0), test: numbered(40, 200) };
  const prepared = (data: object, seeds: number[]) => {
    const suite = { ...SUITE, data: { ...SUITE.data, ...data }, seeds } as ResolvedSuite;
    const images = new ImagesOfRuns(cifar);
    return expand(suite)
      .runs.filter((run) => !run.dependsOn.length)
      .map(({ spec }) => images.of(spec));
  };

  it('are in no run of any seed, and the same for all', () => {
    const settings = { trainImages: 70, testImages: 30, heldOut: 30 };
    const tested = prepared({ ...settings, testOn: 'held-out' }, [1, 2, 3]);
    const heldOut = places(tested[0]!.test);
    expect(new Set(heldOut).size).to.equal(30);
    for (const job of [...tested, ...prepared(settings, [4])]) {
      expect(places(job.train)).to.have.lengthOf(70);
      expect(places(job.train).filter((place) => heldOut.includes(place))).to.deep.equal([]);
    }
    for (const { test } of tested) expect(places(test)).to.deep.equal(heldOut);
  });

  it('are tested on only if the suite says so', () => {
    const [job] = prepared({ heldOut: 30 }, [1]);
    expect(places(job!.test).every((place) => place >= 200)).to.equal(true);
  });
});
