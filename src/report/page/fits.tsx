// What became of the wrong labels: over the epochs, in the losses, and in what is predicted for the images given each label.
import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import type { FolderData, MethodData } from '../page_data.js';
import { Chart } from './chart.js';
import { Choice } from './choice.js';
import type { Drawings } from './drawing.js';
import { KeyPiece } from './figures.js';
import { count } from './format.js';
import { FATES, LABELS } from './styles.js';

export function Fits({
  folder,
  named,
  methods,
  noiseSetting,
  noiseChoice,
}: {
  folder: FolderData;
  named: boolean;
  methods: readonly MethodData[];
  noiseSetting: string;
  noiseChoice: ComponentChildren;
}) {
  const { curves, fits, classNames, noiseSettings, suite } = folder;
  const [chosen, setChosen] = useState<string>();
  const noise = noiseSettings.find(({ label }) => label === noiseSetting)?.title ?? noiseSetting;
  const shown = methods.flatMap((method) => {
    const own = curves.filter((c) => c.method === method.name && c.noiseSetting === noiseSetting);
    const known = own.filter(({ wrongLabelsFitted }) => wrongLabelsFitted.some((share) => share !== null));
    return known.length ? [{ method, curves: known }] : [];
  });
  const fitted = methods.flatMap((method) => {
    const fit = fits.find((f) => f.method === method.name && f.noiseSetting === noiseSetting);
    return fit ? [{ method, fit }] : [];
  });
  const withLosses = fitted.flatMap(({ method, fit }) =>
    fit.losses ? [{ method, losses: fit.losses, seeds: fit.seeds }] : [],
  );
  const withConfusion = fitted.flatMap(({ method, fit }) =>
    fit.confusion ? [{ method, confusion: fit.confusion, seeds: fit.seeds }] : [],
  );
  const current = withConfusion.find(({ method }) => method.name === chosen) ?? withConfusion[0];
  if (!shown.length && !fitted.length) return null;
  const epochs = Math.max(1, ...curves.map((c) => c.epochs.at(-1)!));
  const keys = (entries: readonly { title: string; colour: string }[]) => (drawings: Drawings) =>
    entries.map(({ title, colour }) => ({ title, element: drawings.patchKey(colour) }));
  return (
    <div class="card">
      <h3>
        {named && `${folder.name}: `}What becomes of the wrong labels at {noise} noise
      </h3>
      <div class="bar">{noiseChoice}</div>
      {shown.length > 0 && (
        <>
          <Patches entries={FATES} />
          <div class="panels small">
            {shown.map(({ method, curves }) => (
              <figure key={method.name}>
                <figcaption>
                  <b>{method.title}</b>
                </figcaption>
                <Chart
                  name={`${suite}-fates-${method.name}-${noiseSetting}`}
                  label={`${method.title} at ${noise} noise: wrongly labelled images that are predicted as the wrong label, as their true class, or as another`}
                  keys={keys(FATES)}
                  of={[folder, noiseSetting]}
                  draw={(drawings, width) => drawings.fates(curves, epochs, width)}
                />
              </figure>
            ))}
          </div>
          <p class="legend">
            Training images with a wrong label, by what is predicted for them: that label (memorised), the
            true class, or another. Means over seeds.
          </p>
        </>
      )}
      {withLosses.length > 0 && (
        <>
          <h3>Losses of right and wrong labels, after the last epoch</h3>
          <Patches entries={LABELS} />
          <div class="panels small">
            {withLosses.map(({ method, losses, seeds }) => (
              <figure key={method.name}>
                <figcaption>
                  <b>{method.title}</b> {count(seeds, 'seed')}
                </figcaption>
                <Chart
                  name={`${suite}-losses-${method.name}-${noiseSetting}`}
                  label={`${method.title} at ${noise} noise: losses of training images with right and with wrong labels`}
                  keys={keys(LABELS)}
                  of={[folder, noiseSetting]}
                  draw={(drawings, width) => drawings.losses(losses, width)}
                />
              </figure>
            ))}
          </div>
          <p class="legend">
            Where the two lie apart, wrong labels can be told by their loss. Of a student the labels are those
            that its teacher predicts.
          </p>
        </>
      )}
      {current && (
        <>
          <h3>Given and predicted labels, after the last epoch</h3>
          <div class="bar">
            <Choice
              legend="Method"
              name="confusion"
              options={withConfusion.map(({ method }) => ({ value: method.name, title: method.title }))}
              value={current.method.name}
              choose={setChosen}
            />
          </div>
          <div class="matrix">
            <Chart
              name={`${suite}-confusion-${current.method.name}-${noiseSetting}`}
              label={`${current.method.title} at ${noise} noise: of the training images given each label, the percentage predicted as each class`}
              of={[folder, noiseSetting, current.method.name]}
              draw={(drawings, width) =>
                drawings.matrix(current.confusion, classNames, ['Label given', 'Predicted'], width)
              }
            />
          </div>
          <p class="legend">
            Percent of a row, {count(current.seeds, 'seed')}. A network that memorises all labels has 100 on
            the diagonal.
          </p>
        </>
      )}
    </div>
  );
}

function Patches({ entries }: { entries: readonly { title: string; colour: string }[] }) {
  return (
    <ul class="keys">
      {entries.map(({ title, colour }) => (
        <li key={title}>
          <KeyPiece draw={(drawings) => drawings.patchKey(colour)} />
          {title}
        </li>
      ))}
    </ul>
  );
}
