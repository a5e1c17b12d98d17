// Which labels the images of each class were really given: a matrix for each way that wrong labels go.
import { useState } from 'preact/hooks';
import type { FolderData, TransitionData } from '../page_data.js';
import { Chart } from './chart.js';
import { Choice } from './choice.js';
import { Downloads } from './download.js';
import { count } from './format.js';
import { Heads, TableBox } from './table_box.js';

export function Noise({ folder, named }: { folder: FolderData; named: boolean }) {
  const { transitions } = folder;
  const kinds = [...new Set(transitions.map(({ alike }) => alike))];
  return (
    <div class="card">
      {named && <h3>{folder.name}</h3>}
      {transitions.length === 0 && <p class="missing">Known once a run has finished.</p>}
      <div class={kinds.length > 1 ? 'panels matrices' : 'matrix'}>
        {kinds.map((kind) => (
          <Matrix
            key={kind}
            folder={folder}
            transitions={transitions.filter(({ alike }) => alike === kind)}
          />
        ))}
      </div>
      <p class="legend">
        Percent of a row.
        {transitions.length > kinds.length &&
          ' Where the wrong labels of each class go the same way at several rates, but for chance, one matrix stands for them.'}
      </p>
      <Downloads folder={folder} named={named} names={['transitions.csv']} />
    </div>
  );
}

/** One of several noise settings whose wrong labels go the same way. */
function Matrix({ folder, transitions }: { folder: FolderData; transitions: readonly TransitionData[] }) {
  const { noiseSettings, classNames, suite } = folder;
  const [chosen, setChosen] = useState<string>();
  const middle = transitions[Math.floor((transitions.length - 1) / 2)]!;
  const shown = transitions.find(({ noiseSetting }) => noiseSetting === chosen) ?? middle;
  const titleOf = ({ noiseSetting }: TransitionData) =>
    noiseSettings.find(({ label }) => label === noiseSetting)!.title;
  const title = titleOf(shown);
  const { counts, seeds, noiseSetting } = shown;
  const images = counts.flat().reduce((sum, n) => sum + n, 0);
  const right = counts.reduce((sum, row, t) => sum + row[t]!, 0);
  return (
    <figure>
      <figcaption>
        {transitions.length > 1 ? (
          <Choice
            legend="Noise"
            name="matrix"
            options={transitions.map((one) => ({ value: one.noiseSetting, title: titleOf(one) }))}
            value={noiseSetting}
            choose={setChosen}
          />
        ) : (
          <b>{title}</b>
        )}
        <span class="line">
          {transitions.length > 1 && `At ${title} noise `}
          {(100 * (1 - right / images)).toFixed(2)} % of {images.toLocaleString('en')} labels are wrong
          {seeds > 1 && `, over ${count(seeds, 'seed')}`}
        </span>
      </figcaption>
      <div>
        <Chart
          name={`${suite}-noise-${noiseSetting}`}
          label={`Transition matrix at ${title} noise: of each true class, the percentage given each label`}
          of={[folder, noiseSetting]}
          draw={(drawings, width) =>
            drawings.matrix(counts, classNames, ['True class', 'Label given'], width)
          }
        />
        <details>
          <summary>Images of each kind, as a table</summary>
          <TableBox class="counts" label={`Transitions at ${title} noise`}>
            <Heads words={['True class', ...classNames]} />
            <tbody>
              {classNames.map((name, truth) => (
                <tr key={name}>
                  <th scope="row">{name}</th>
                  {classNames.map((given, g) => (
                    <td key={given}>{counts[truth]![g]}</td>
                  ))}
                </tr>
              ))}
            </tbody>
          </TableBox>
        </details>
      </div>
    </figure>
  );
}
