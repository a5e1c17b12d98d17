// Two folders side by side: both means of each cell, and what changed from the first to the second.
import type { DifferenceData, FolderData } from '../page_data.js';
import { Download } from './download.js';
import { accuracy, csv, points } from './format.js';
import { TableBox } from './table_box.js';
import { Columns, Difference } from './table_parts.js';

interface Props {
  /** The first folder. */
  folder: FolderData;
  /** The second folder's name. */
  to: string;
  differences: readonly DifferenceData[];
}

export function DifferenceTable({ folder, to, differences }: Props) {
  const { name: from, methods, noiseSettings } = folder;
  const paired = differences.every((d) => d.paired);
  const rows = methods.filter(({ name }) => differences.some(({ method }) => method === name));
  return (
    <div class="card">
      <h3>
        {from} and {to}
      </h3>
      {rows.length === 0 && <p class="missing">They have no cell in common yet.</p>}
      {rows.length > 0 && (
        <>
          <TableBox class="results" caption={`${to} minus ${from}, percentage points of accuracy`}>
            <Columns noiseSettings={noiseSettings} />
            <tbody>
              {rows.map(({ name, title }) => (
                <tr key={name}>
                  <th scope="row">{title}</th>
                  {noiseSettings.map(({ label }) => (
                    <Cell
                      key={label}
                      cell={differences.find((d) => d.method === name && d.noiseSetting === label)}
                    />
                  ))}
                </tr>
              ))}
            </tbody>
          </TableBox>
          <p class="legend">
            Below each difference: the means before and after.{' '}
            {differences.some(({ half }) => half !== null)
              ? `± half of the 95 % interval, ${paired ? 'paired by seed' : 'paired by seed where both have the same seeds, else Welch’s'}; * where it leaves out zero, not corrected for the number of cells.`
              : 'With one seed on a side nothing tells a difference from chance, unless both are of the same code and machine: then there is none.'}
          </p>
        </>
      )}
      <div class="actions">
        <Download name="differences.csv" content={() => differencesCsv(differences)} />
      </div>
    </div>
  );
}

function Cell({ cell }: { cell: DifferenceData | undefined }) {
  if (!cell)
    return (
      <td>
        <span class="missing">–</span>
      </td>
    );
  const { difference, half, before, after } = cell;
  const clear = half !== null && Math.abs(difference) > half;
  return (
    <td data-method={cell.method} data-noise-setting={cell.noiseSetting}>
      <span class="step">
        <Difference value={difference} text={points(difference)} half={half} />
        {clear && ' *'}
      </span>
      <span class="beside">
        {accuracy(before)} → {accuracy(after)}
      </span>
    </td>
  );
}

function differencesCsv(differences: readonly DifferenceData[]): string {
  const header = ['from', 'to', 'method', 'noise_rate', 'before', 'after', 'difference', 'half_interval_95'];
  return csv([
    header,
    ...differences.map((d) => [
      d.from,
      d.to,
      d.method,
      d.noiseSetting,
      d.before.toFixed(2),
      d.after.toFixed(2),
      d.difference.toFixed(2),
      d.half?.toFixed(2) ?? null,
    ]),
  ]);
}
