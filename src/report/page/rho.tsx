// Where too large a rho fails: accuracy over rho and noise, a panel for each m.
import { useState } from 'preact/hooks';
import type { FolderData, RhoData } from '../page_data.js';
import { Chart } from './chart.js';
import { Choice } from './choice.js';
import { Downloads } from './download.js';
import { accuracy, withHalf } from './format.js';
import { Heads, TableBox } from './table_box.js';

const QUANTITIES = [
  { value: 'mean', title: 'Test accuracy' },
  { value: 'fitted', title: 'Memorised wrong labels' },
] as const;

const panelTitle = ({ m, isWholeBatch }: RhoData['panels'][number]) =>
  `m ${m}${isWholeBatch ? ' (whole batch)' : ''}`;

export function RhoGrids({ folder, named }: { folder: FolderData; named: boolean }) {
  const { rho, noiseSettings } = folder;
  const [quantity, choose] = useState<'mean' | 'fitted'>('mean');
  if (!rho.length) return null;
  return (
    <div class="card">
      {named && <h3>{folder.name}</h3>}
      <div class="bar">
        <Choice
          legend="Shown"
          name="rho"
          options={QUANTITIES}
          value={quantity}
          choose={(chosen) => choose(chosen)}
        />
      </div>
      {rho.map((grid) => (
        <div class="group" key={grid.title}>
          <h3>{grid.title}</h3>
          <div class="panels">
            {grid.panels.map((panel) => (
              <figure key={panel.m}>
                <figcaption>
                  <b>{panelTitle(panel)}</b>
                </figcaption>
                <Chart
                  label={`${QUANTITIES.find(({ value }) => value === quantity)!.title} of ${grid.title} over rho and noise, ${panelTitle(panel)}`}
                  of={[folder, quantity]}
                  draw={(drawings, width) => drawings.rho(grid, panel, quantity, noiseSettings, width)}
                />
              </figure>
            ))}
          </div>
        </div>
      ))}
      <p class="legend">
        In percent, shaded alike in all panels of a method.
        {quantity === 'mean' && ' Framed: the best rho at that noise.'}
        {rho.some(({ panels }) => panels.some(({ cells }) => cells.some(({ half }) => half !== null))) &&
          ' ±: half of the 95 % interval of the mean, where there are several seeds.'}
      </p>
      <details>
        <summary>As a table</summary>
        <TableBox class="runs" label="Accuracy over rho, noise and m">
          <Heads
            words={['Method', 'm', 'rho', 'Noise']}
            numbers={['Seeds', 'Accuracy', 'Memorised wrong labels']}
          />
          <tbody>
            {rho.flatMap(({ title, panels }) =>
              panels.flatMap(({ m, cells }) =>
                cells.map((cell) => (
                  <tr key={`${title} ${m} ${cell.rho} ${cell.noiseSetting}`}>
                    <th scope="row">{title}</th>
                    <td>{m}</td>
                    <td>{cell.rho}</td>
                    <td>{noiseSettings.find(({ label }) => label === cell.noiseSetting)!.title}</td>
                    <td class="number">{cell.seeds}</td>
                    <td class="number">
                      {cell.mean === null ? '–' : withHalf(accuracy(cell.mean), cell.half)}
                    </td>
                    <td class="number">{cell.fitted?.toFixed(1) ?? '–'}</td>
                  </tr>
                )),
              ),
            )}
          </tbody>
        </TableBox>
      </details>
      <Downloads folder={folder} named={named} names={['rho.csv']} />
    </div>
  );
}
