// The Hessian's spectrum at the final weights, and how far up the loss goes near them.
import { useState } from 'preact/hooks';
import type { SharpnessData, SpectrumData } from '../analysis_data.js';
import { Chart } from './chart.js';
import { Choice } from './choice.js';
import { Download } from './download.js';
import {
  conditions,
  ExamplesChoice,
  methodsOf,
  overSeeds,
  type Part,
  useExamples,
} from './flatness_parts.js';
import { csv } from './format.js';
import { Heads, TableBox } from './table_box.js';

export function Spectra({ folder, all, shown }: Part<SpectrumData>) {
  const examples = useExamples(all);
  const methods = methodsOf(folder, shown);
  const lines = methods.map((method) => ({
    method,
    spectra: shown
      .filter((spectrum) => spectrum.method === method.name)
      .flatMap(({ of }) => of.find((one) => one.examples === examples.chosen) ?? []),
  }));
  const [first] = shown;
  if (!first) return null;
  return (
    <div class="group">
      <h3>Spectrum of the Hessian</h3>
      <div class="bar choices">
        <ExamplesChoice {...examples} />
      </div>
      <Chart
        label="Density of the Hessian's eigenvalues, one line for each method"
        of={[shown, examples.chosen]}
        draw={(drawings, width) => drawings.spectrum(lines, width)}
      />
      <TableBox class="runs" label="Largest eigenvalues and trace">
        <Heads words={['Method']} numbers={['λ1', 'λ1 / λ5', 'Trace']} />
        <tbody>
          {lines.map(({ method, spectra: own }) => (
            <tr key={method.name}>
              <th scope="row">{method.title}</th>
              <td class="number">{overSeeds(own.map(({ largest }) => largest[0]!))}</td>
              <td class="number">{overSeeds(own.map(({ ratio }) => ratio))}</td>
              <td class="number">{overSeeds(own.map(({ trace }) => trace))}</td>
            </tr>
          ))}
        </tbody>
      </TableBox>
      <p class="legend">
        Density by stochastic Lanczos quadrature, on a logarithmic axis; ticks below it: the largest
        eigenvalues. Of the cross-entropy, without the L2 penalty, {conditions(shown, examples.chosen)}.
        {shown.some(({ seed }) => seed !== first.seed) &&
          ' A line for each seed; in the table the mean, lowest and highest.'}
      </p>
      <div class="actions">
        <Download name="spectra.csv" content={() => spectraCsv(all)} />
        <Download name="eigenvalues.csv" content={() => eigenvaluesCsv(all)} />
      </div>
    </div>
  );
}

/** Every point of every density as a row. */
function spectraCsv(spectra: readonly SpectrumData[]): string {
  const header = ['method', 'noise_rate', 'seed', 'examples', 'eigenvalue', 'density'];
  const rows = spectra.flatMap(({ method, noiseSetting, seed, of }) =>
    of.flatMap(({ examples, density }) =>
      density.map((point) => [method, noiseSetting, seed, examples, ...point]),
    ),
  );
  return csv([header, ...rows]);
}

/** Every loss's eigenvalues and trace as a row. */
function eigenvaluesCsv(spectra: readonly SpectrumData[]): string {
  const most = Math.max(...spectra.flatMap(({ of }) => of.map(({ largest }) => largest.length)));
  const ranks = Array.from({ length: most }, (_, i) => `lambda_${i + 1}`);
  const header = ['method', 'noise_rate', 'seed', 'examples', 'images', 'trace', 'lambda_1_over_5', ...ranks];
  const rows = spectra.flatMap(({ method, noiseSetting, seed, of }) =>
    of.map(({ examples, images, trace, ratio, largest }) => [
      ...[method, noiseSetting, seed, examples, images, trace, ratio],
      ...ranks.map((_, i) => largest[i] ?? null),
    ]),
  );
  return csv([header, ...rows]);
}

/** How the loss was raised, in words. */
const ascentTitle = ({ ascent, adaptive }: SharpnessData['of'][number]) =>
  `${ascent === 'one-step' ? 'One step' : 'Projected ascent'}${adaptive ? ', adaptive' : ''}`;

const groupTitle = (m: number) => (m ? `m ${m}` : 'all together');

export function SharpnessFigures({ folder, all, shown }: Part<SharpnessData>) {
  const known = all.flatMap(({ of }) => of);
  const examples = useExamples(all);
  const groups = [...new Set(known.map(({ m }) => m))].sort((a, b) => (a || Infinity) - (b || Infinity));
  const [m, chooseGroup] = useState(String(groups[0] ?? 0));
  const ascents = [...new Set(known.map(ascentTitle))];
  const methods = methodsOf(folder, shown);
  const [first] = shown;
  if (!first) return null;
  return (
    <div class="group">
      <h3>Sharpness against rho</h3>
      <div class="bar choices">
        <ExamplesChoice {...examples} />
        {groups.length > 1 && (
          <Choice
            legend="Groups"
            name="sharpness-m"
            options={groups.map((group) => ({ value: String(group), title: groupTitle(group) }))}
            value={m}
            choose={(chosen) => chooseGroup(chosen)}
          />
        )}
      </div>
      <div class="panels">
        {ascents.map((ascent) => {
          const lines = methods.map((method) => ({
            method,
            points: shown
              .filter((one) => one.method === method.name)
              .flatMap(({ of }) => of)
              .filter(
                (one) =>
                  one.examples === examples.chosen && one.m === Number(m) && ascentTitle(one) === ascent,
              ),
          }));
          if (lines.every(({ points }) => !points.length)) return null;
          return (
            <figure key={ascent}>
              <figcaption>
                <b>{ascent}</b> how much the loss rises
              </figcaption>
              <Chart
                label={`Sharpness against rho, ${ascent}, one line for each method`}
                of={[shown, examples.chosen, m]}
                draw={(drawings, width) => drawings.sharpness(lines, width)}
              />
            </figure>
          );
        })}
      </div>
      <p class="legend">
        Of the cross-entropy, {conditions(shown, examples.chosen)}.
        {shown.some(({ seed }) => seed !== first.seed) &&
          ' Lines: means over seeds; shaded: from the lowest seed to the highest.'}
      </p>
      <div class="actions">
        <Download name="sharpness.csv" content={() => sharpnessCsv(all)} />
      </div>
    </div>
  );
}

function sharpnessCsv(all: readonly SharpnessData[]): string {
  const header = [
    ...['method', 'noise_rate', 'seed', 'examples', 'm', 'ascent', 'adaptive', 'rho', 'sharpness'],
  ];
  const rows = all.flatMap(({ method, noiseSetting, seed, of }) =>
    of.map(({ examples, m, ascent, adaptive, rho, sharpness }) => [
      ...[method, noiseSetting, seed, examples, m, ascent, adaptive ? 'yes' : 'no', rho, sharpness],
    ]),
  );
  return csv([header, ...rows]);
}
