// Walks from the final weights: the lines between those of two runs, random directions, and planes of two.
import { useState } from 'preact/hooks';
import type { ExamplesName, LineData, ProfileData, SeenQuantity, SurfaceData } from '../analysis_data.js';
import { Chart } from './chart.js';
import { Choice } from './choice.js';
import { Download } from './download.js';
import type { Range } from './drawing.js';
import {
  conditions,
  ExamplesChoice,
  examplesTitle,
  methodsOf,
  overSeeds,
  type Part,
  useExamples,
} from './flatness_parts.js';
import { csv } from './format.js';
import { FIRST_VIEW, Turnable } from './turnable.js';

const QUANTITIES: { value: SeenQuantity; title: string }[] = [
  { value: 'loss', title: 'Loss' },
  { value: 'accuracy', title: 'Accuracy' },
];

/** What an accuracy is of, which of wrong labels is no praise. */
const ABOUT: Record<ExamplesName, string> = {
  train: 'of the labels that were learned, % predicted',
  clean: 'of the rightly labelled images, % predicted so',
  noisy: 'of the wrongly labelled images, % predicted as that wrong label: memorised',
  test: 'of the clean test images, % predicted rightly',
};

function aboutOf(quantity: SeenQuantity, examples: ExamplesName): string {
  return quantity === 'loss' ? `cross-entropy on ${examplesTitle(examples).toLowerCase()}` : ABOUT[examples];
}

export function Surfaces({ folder, all, shown }: Part<SurfaceData>) {
  const examples = useExamples(all);
  const [quantity, choose] = useState<SeenQuantity>('loss');
  const [view, turn] = useState(FIRST_VIEW);
  const drawn = shown.flatMap((surface) => {
    const seen = surface.of.find((one) => one.examples === examples.chosen);
    return seen ? [{ surface, seen }] : [];
  });
  if (!drawn.length || !examples.chosen) return null;
  const range = rangeOf(
    drawn.flatMap(({ seen }) => seen[quantity].flatMap((value) => value ?? [])),
    quantity,
  );
  const { title } = QUANTITIES.find(({ value }) => value === quantity)!;
  const end = (value: number) => (range.isLog ? value.toPrecision(2) : value.toFixed(0));
  return (
    <div class="group">
      <h3>Surroundings of the final weights</h3>
      <div class="bar choices">
        <Choice
          legend="Shown"
          name="surface-quantity"
          options={QUANTITIES}
          value={quantity}
          choose={(chosen) => choose(chosen)}
        />
        <ExamplesChoice {...examples} />
      </div>
      <p class="note">
        <b>{title}</b>, {aboutOf(quantity, examples.chosen)}.{' '}
        <span class="ramp">
          {end(range.low)} <i /> {end(range.high)}
        </span>
        {range.isLog && ' (logarithmic)'}
      </p>
      <div class="panels bodies">
        {drawn.map(({ surface, seen }) => {
          const name = `${folder.methods.find((one) => one.name === surface.method)!.title}, seed ${surface.seed}`;
          const of = [seen, quantity, range.low, range.high];
          return (
            <figure key={name}>
              <figcaption>
                <b>{name}</b>
              </figcaption>
              <div>
                <Turnable
                  label={`${title} around the final weights of ${name}, as a body`}
                  of={of}
                  view={view}
                  turn={turn}
                  draw={(drawings, from, width) => drawings.body(seen[quantity], range, from, width)}
                />
                <Chart
                  label={`${title} around the final weights of ${name}, as contours`}
                  of={of}
                  draw={(drawings, width) => drawings.contours(surface.at, seen[quantity], range, width)}
                />
              </div>
            </figure>
          );
        })}
      </div>
      <p class="legend">
        Along two random directions in which each filter is as long as the weights' own (Li et al., 2018), of
        the same draws for all runs of a seed; 1 is once that length. Heights and shades are of one scale.
        Drag a body, or use the arrow keys, to turn all of them; the dot and the cross are the trained
        weights. Values: {conditions(shown, examples.chosen)}.
      </p>
      <div class="actions">
        <Download name="surface.csv" content={() => surfacesCsv(all)} />
      </div>
    </div>
  );
}

/** One range for all that is to be compared. */
function rangeOf(values: readonly number[], quantity: SeenQuantity): Range {
  const isLog = quantity === 'loss';
  const low = Math.min(...values);
  return { low: isLog ? Math.max(low, 1e-3) : low, high: Math.max(...values), isLog };
}

/** Every point of every surface as a row. */
function surfacesCsv(surfaces: readonly SurfaceData[]): string {
  const header = [...RUN, 'direction_1', 'direction_2', 'loss', 'accuracy'];
  const rows = surfaces.flatMap((surface) =>
    surface.of.flatMap((seen) =>
      seen.loss.map((loss, i) => [
        ...runOf(surface, seen.examples),
        ...[surface.at[i % surface.at.length]!, surface.at[Math.floor(i / surface.at.length)]!],
        ...[loss, seen.accuracy[i]!],
      ]),
    ),
  );
  return csv([header, ...rows]);
}

const RUN = ['method', 'noise_rate', 'seed', 'batch_norm', 'examples'];
const runOf = (
  { method, noiseSetting, seed, batchNorm }: SurfaceData | LineData | ProfileData,
  examples: ExamplesName,
) => [method, noiseSetting, seed, batchNorm, examples];

export function Profiles({ folder, all, shown }: Part<ProfileData>) {
  const examples = useExamples(all);
  const methods = methodsOf(folder, shown);
  if (!methods.length || !examples.chosen) return null;
  const lines = methods.map((method) => ({
    method,
    walks: shown
      .filter((one) => one.method === method.name)
      .flatMap(({ at, of }) =>
        of.filter((one) => one.examples === examples.chosen).map((seen) => ({ at, seen })),
      ),
  }));
  return (
    <div class="group">
      <h3>Along random directions</h3>
      <div class="bar">
        <ExamplesChoice {...examples} />
      </div>
      <div class="panels">
        {QUANTITIES.map(({ value: quantity, title }) => (
          <figure key={quantity}>
            <figcaption>
              <b>{title}</b> {aboutOf(quantity, examples.chosen!)}
            </figcaption>
            <Chart
              label={`${title} along random directions from the final weights, one line for each method`}
              of={[shown, examples.chosen]}
              draw={(drawings, width) => drawings.profile(lines, quantity, width)}
            />
          </figure>
        ))}
      </div>
      <p class="legend">
        Each filter of a direction is as long as the weights' own; 0 is the trained weights. Thick: the mean
        over directions and seeds, thin: each of them. Values: {conditions(shown, examples.chosen)}.
      </p>
      <div class="actions">
        <Download name="profile.csv" content={() => profilesCsv(all)} />
      </div>
    </div>
  );
}

/** Every point of every direction as a row. */
function profilesCsv(profiles: readonly ProfileData[]): string {
  const header = [...RUN, 'direction', 'at', 'loss', 'accuracy'];
  const rows = profiles.flatMap((profile) =>
    profile.of.flatMap((seen) =>
      profile.at.map((place, i) => [
        ...runOf(profile, seen.examples),
        ...[seen.direction, place, seen.loss[i]!, seen.accuracy[i]!],
      ]),
    ),
  );
  return csv([header, ...rows]);
}

export function Lines({ folder, all, shown }: Part<LineData>) {
  const titleOf = (name: string) => folder.methods.find((method) => method.name === name)!.title;
  const methods = methodsOf(folder, shown);
  if (!methods.length) return null;
  return (
    <div class="group">
      <h3>On the line between two runs of one seed</h3>
      {methods.map(({ name, title }) => {
        const own = shown.filter(({ method }) => method === name);
        const ends = [titleOf(own[0]!.from), title] as const;
        const barriers = own[0]!.of.map(({ examples }) => {
          const found = own.map(({ of }) => of.find((one) => one.examples === examples)?.barrier ?? null);
          return `${examplesTitle(examples).toLowerCase()} ${overSeeds(found)}`;
        });
        return (
          <div key={name} class="group">
            <h4>
              From {ends[0]} to {ends[1]}
            </h4>
            <div class="panels">
              {QUANTITIES.map(({ value: quantity, title }) => (
                <figure key={quantity}>
                  <figcaption>
                    <b>{title}</b> {quantity === 'loss' ? 'cross-entropy' : '% of the labels predicted'}
                  </figcaption>
                  <Chart
                    label={`${title} on the line from ${ends[0]} to ${ends[1]}`}
                    of={[own]}
                    draw={(drawings, width) => drawings.line(own, quantity, ends, width)}
                  />
                </figure>
              ))}
            </div>
            <p class="note">
              Barrier, the highest rise of the loss above the straight line between its ends:{' '}
              {barriers.join(', ')}.
            </p>
          </div>
        );
      })}
      <p class="legend">
        Runs of one seed begin with the same weights and see the same batches. Thick: the mean over seeds,
        thin: each seed. Values: {conditions(shown, undefined)}
        {shown.some(({ batchNorm }) => batchNorm === 'running') &&
          ', which are mixed as the weights are: a barrier may be theirs'}
        .
      </p>
      <div class="actions">
        <Download name="line.csv" content={() => linesCsv(all)} />
      </div>
    </div>
  );
}

/** Every point of every line as a row. */
function linesCsv(lines: readonly LineData[]): string {
  const header = ['from', ...RUN, 'barrier', 'at', 'loss', 'accuracy'];
  const rows = lines.flatMap((line) =>
    line.of.flatMap((seen) =>
      line.at.map((place, i) => [
        ...[line.from, ...runOf(line, seen.examples), seen.barrier],
        ...[place, seen.loss[i]!, seen.accuracy[i]!],
      ]),
    ),
  );
  return csv([header, ...rows]);
}
