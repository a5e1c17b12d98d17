// Flatness during training, and how the gradients of rightly and wrongly labelled examples go together.
import type { WatchedData, WatchedQuantity } from '../analysis_data.js';
import { Chart } from './chart.js';
import { Download } from './download.js';
import { methodsOf, type Part } from './flatness_parts.js';
import { csv } from './format.js';

/** The dashed line of a figure is of the weights that SAM ascends to. */
const FIGURES: { title: string; about: string; solid: WatchedQuantity; dashed?: WatchedQuantity }[] = [
  { title: 'Sharpness', about: 'rise of the training loss by one step of rho 0.05', solid: 'sharpness' },
  { title: 'λ1', about: "largest eigenvalue of the training loss's Hessian", solid: 'lambda1' },
  {
    title: 'Right and wrong labels: direction',
    about: 'cosine between the gradients of rightly and of wrongly labelled examples',
    solid: 'cosine',
    dashed: 'ascendedCosine',
  },
  {
    title: 'Right and wrong labels: weight',
    about: 'length of the part of wrong labels in the gradient, over that of right ones',
    solid: 'wrongToRight',
    dashed: 'ascendedWrongToRight',
  },
];

export function WatchedFigures({ folder, all, shown }: Part<WatchedData>) {
  const methods = methodsOf(folder, shown);
  if (!methods.length) return null;
  const figures = FIGURES.filter(({ solid }) => shown.some(({ values }) => values[solid]));
  return (
    <div class="group">
      <h3>During training</h3>
      <div class="panels">
        {figures.map(({ title, about, solid, dashed }) => (
          <figure key={title}>
            <figcaption>
              <b>{title}</b> {about}
            </figcaption>
            <Chart
              label={`${title} against epoch, one line for each method`}
              of={[shown]}
              draw={(drawings, width) => {
                const lines = methods.map((method) => ({
                  method,
                  runs: shown.filter((one) => one.method === method.name),
                }));
                return drawings.watched(lines, [solid, ...(dashed ? [dashed] : [])], width);
              }}
            />
          </figure>
        ))}
      </div>
      <p class="legend">
        Of the first 500 training images, with the labels that are learned, batch norm by running statistics.
        Thick: the mean over seeds, thin: each seed.
        {figures.some(({ dashed }) => dashed) &&
          ' Solid: at the weights, dashed: where one ascent of rho 0.05 leads from there, at which SAM takes its gradient.'}
      </p>
      <div class="actions">
        <Download name="watched.csv" content={() => watchedCsv(all)} />
      </div>
    </div>
  );
}

/** Every evaluation as a row. */
function watchedCsv(all: readonly WatchedData[]): string {
  const columns: [WatchedQuantity, string][] = [
    ['sharpness', 'sharpness'],
    ['lambda1', 'lambda_1'],
    ['cosine', 'cosine'],
    ['ascendedCosine', 'cosine_ascended'],
    ['wrongToRight', 'wrong_over_right'],
    ['ascendedWrongToRight', 'wrong_over_right_ascended'],
  ];
  const header = ['method', 'noise_rate', 'seed', 'epoch', ...columns.map(([, name]) => name)];
  const rows = all.flatMap(({ method, noiseSetting, seed, epochs, values }) =>
    epochs.map((epoch, i) => [
      ...[method, noiseSetting, seed, epoch],
      ...columns.map(([quantity]) => values[quantity]?.[i] ?? null),
    ]),
  );
  return csv([header, ...rows]);
}
