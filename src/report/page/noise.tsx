// Which labels the images of each class were really given.
import type { FolderData } from '../page_data.js';
import { Chart } from './chart.js';
import { Downloads } from './download.js';
import { count } from './format.js';
import { TableBox } from './table_box.js';

export function Noise({ folder, named }: { folder: FolderData; named: boolean }) {
  const { transitions, noiseSettings, classNames } = folder;
  return (
    <div class="card">
      {named && <h3>{folder.name}</h3>}
      {transitions.length === 0 && <p class="missing">Known once a run has finished.</p>}
      <div class="panels matrices">
        {transitions.map(({ noiseSetting, seeds, counts }) => {
          const title = noiseSettings.find(({ label }) => label === noiseSetting)!.title;
          const images = counts.flat().reduce((sum, n) => sum + n, 0);
          const right = counts.reduce((sum, row, t) => sum + row[t]!, 0);
          return (
            <figure key={noiseSetting}>
              <figcaption>
                <b>{title}</b> {(100 * (1 - right / images)).toFixed(2)} % of {images.toLocaleString('en')}{' '}
                labels are wrong
                {seeds > 1 && `, over ${count(seeds, 'seed')}`}
              </figcaption>
              <div>
                <Chart
                  label={`Transition matrix at ${title} noise: of each true class, the percentage given each label`}
                  of={[folder]}
                  draw={(drawings, width) => drawings.transitions(counts, classNames, width)}
                />
                <details>
                  <summary>Images of each kind, as a table</summary>
                  <TableBox class="counts" label={`Transitions at ${title} noise`}>
                    <thead>
                      <tr>
                        <th scope="col">True class</th>
                        {classNames.map((name, given) => (
                          <th scope="col" key={name} title={name}>
                            {given}
                          </th>
                        ))}
                      </tr>
                    </thead>
                    <tbody>
                      {classNames.map((name, truth) => (
                        <tr key={name}>
                          <th scope="row">
                            {truth} {name}
                          </th>
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
        })}
      </div>
      <p class="legend">
        Rows: true class; columns: label given; percent of a row. 0 to {classNames.length - 1} are{' '}
        {classNames.join(', ')}.
      </p>
      <Downloads folder={folder} named={named} names={['transitions.csv']} />
    </div>
  );
}
