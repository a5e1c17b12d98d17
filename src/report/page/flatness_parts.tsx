// What the parts of the section on flatness share: which images a loss is of, under what conditions, and means over seeds.
import { useState } from 'preact/hooks';
import type { ExamplesName } from '../analysis_data.js';
import type { FolderData, MethodData } from '../page_data.js';
import { Choice } from './choice.js';

/** What a part of the section is given: all of its kind, for its files, and those of the noise setting that is shown. */
export interface Part<One> {
  folder: FolderData;
  all: readonly One[];
  shown: readonly One[];
}

const EXAMPLES: { value: ExamplesName; title: string }[] = [
  { value: 'train', title: 'Labels learned' },
  { value: 'clean', title: 'Right labels' },
  { value: 'noisy', title: 'Wrong labels' },
  { value: 'test', title: 'Test images' },
];

export const examplesTitle = (examples: ExamplesName) =>
  EXAMPLES.find(({ value }) => value === examples)!.title;

interface Analysed {
  batchNorm: 'running' | 'batch';
  of: readonly { examples: ExamplesName; images: number }[];
}

/** One of the sets of images that something is known of. */
export function useExamples(all: readonly Analysed[]) {
  const sets = EXAMPLES.filter(({ value }) =>
    all.some(({ of }) => of.some(({ examples }) => examples === value)),
  );
  const [chosen, choose] = useState<ExamplesName>();
  return { sets, chosen: sets.find(({ value }) => value === chosen)?.value ?? sets[0]?.value, choose };
}

export function ExamplesChoice({ sets, chosen, choose }: ReturnType<typeof useExamples>) {
  return (
    <Choice
      legend="On"
      name="examples"
      options={sets}
      value={chosen ?? 'train'}
      choose={(one) => choose(one)}
    />
  );
}

/** On how many images, and by which statistics. */
export function conditions(shown: readonly Analysed[], examples: ExamplesName | undefined): string {
  const all = shown.flatMap(({ of }) => of.filter((one) => !examples || one.examples === examples));
  const images = [...new Set(all.map((one) => one.images.toLocaleString('en')))].join(' or ');
  const norms = [...new Set(shown.map(({ batchNorm }) => batchNorm))].map((batchNorm) =>
    batchNorm === 'running' ? 'running statistics' : 'the statistics of each batch',
  );
  return `mean over ${images} images, batch norm by ${norms.join(' or ')}`;
}

/** Methods of the folder that something is known of, in its order. */
export function methodsOf({ methods }: FolderData, known: readonly { method: string }[]): MethodData[] {
  return methods.filter(({ name }) => known.some(({ method }) => method === name));
}

export const mean = (values: readonly number[]) =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

/** The mean over seeds, and the seeds' range where there are several. */
export function overSeeds(values: readonly (number | null)[]): string {
  const known = values.flatMap((value) => value ?? []);
  if (!known.length) return '–';
  const print = (value: number) => value.toPrecision(3);
  const [low, high] = [Math.min(...known), Math.max(...known)];
  return known.length > 1 ? `${print(mean(known))} (${print(low)}–${print(high)})` : print(known[0]!);
}
