// Table 4 with ours, the paper's and the difference in each cell.
import type { CellData, FolderData } from '../page_data.js';
import { Downloads } from './download.js';
import { ExternalRows, ExternalSection } from './external.js';
import { accuracy, points, withHalf } from './format.js';
import { TableBox } from './table_box.js';
import { Columns, Difference } from './table_parts.js';

function Cell({ cell, wanted }: { cell: CellData; wanted: number }) {
  const { mean, half, paper, best, seeds, failed, damaged } = cell;
  const instead = damaged ? 'damaged' : failed ? 'failed' : 'not finished';
  const text = mean === null ? '' : withHalf(accuracy(mean), half);
  return (
    <td data-method={cell.method} data-noise-setting={cell.noiseSetting}>
      {mean === null ? (
        <span class={damaged || failed ? 'missing failed' : 'missing'}>{instead}</span>
      ) : (
        <span class="ours">{best ? <strong>{text}</strong> : text}</span>
      )}
      {mean !== null && seeds < wanted && (
        <span class="missing">
          {seeds} of {wanted} seeds{failed ? `, ${failed} failed` : ''}
        </span>
      )}
      {paper !== null && (
        <span class="beside">
          <span class="paper" title="the paper's">
            {paper.toFixed(1)}
          </span>
          {mean !== null && <Difference value={mean - paper} text={points(mean - paper)} />}
        </span>
      )}
    </td>
  );
}

/** The table of one folder, with its caption and notes. */
export function ResultsTable({ folder, named }: { folder: FolderData; named: boolean }) {
  const { caption, noiseSettings, methods, cells, seeds, literature } = folder;
  const rows = methods.filter(({ name }) => cells.some(({ method }) => method === name));
  const published = literature.filter(({ accuracies }) => accuracies.some((a) => a !== null));
  return (
    <div class="card">
      {named && <h3>{folder.name}</h3>}
      <TableBox class="results" caption={caption.title}>
        <Columns noiseSettings={noiseSettings} />
        <tbody>
          {rows.map(({ name, title }) => (
            <tr key={name}>
              <th scope="row">{title}</th>
              {cells
                .filter(({ method }) => method === name)
                .map((cell) => (
                  <Cell key={cell.noiseSetting} cell={cell} wanted={seeds.length} />
                ))}
            </tr>
          ))}
          <ExternalRows folder={folder} />
        </tbody>
      </TableBox>
      <p class="legend">
        In each cell: <b>ours</b>, best of a column in bold
        {seeds.length > 1 && ', ± half of the 95 % interval of the mean over seeds'}
        {cells.some(({ paper }) => paper !== null) && (
          <>
            ; below it the paper's, and the difference to it in percentage points, shaded{' '}
            <Difference value={-8} text="below" /> or <Difference value={8} text="above" />
          </>
        )}
        .
      </p>
      <p class="note">{caption.noise}</p>
      <Notes notes={caption.about} />
      <ExternalSection folder={folder} />
      <Downloads
        folder={folder}
        named={named}
        names={[
          'comparison.csv',
          'table4.csv',
          'runs.csv',
          ...(folder.external.length ? ['external.csv'] : []),
        ]}
      />
      {published.length > 0 && (
        <details>
          <summary>Other published results, as quoted by the paper</summary>
          <TableBox class="results published" label="Other published results">
            <Columns noiseSettings={noiseSettings} />
            <tbody>
              {published.map(({ title, source, accuracies }) => (
                <tr key={title}>
                  <th scope="row" title={source}>
                    {title}
                  </th>
                  {accuracies.map((value, i) => (
                    <td key={noiseSettings[i]!.label}>{value === null ? '–' : value.toFixed(1)}</td>
                  ))}
                </tr>
              ))}
            </tbody>
          </TableBox>
        </details>
      )}
    </div>
  );
}

/** The caption's notes; those that are indented belong to the one before. */
function Notes({ notes }: { notes: readonly string[] }) {
  const groups: string[][] = [];
  for (const note of notes)
    if (note.startsWith('  ') && groups.length) groups.at(-1)!.push(note.trim());
    else groups.push([note]);
  return (
    <ul class="notes">
      {groups.map(([note, ...inner]) => (
        <li key={note}>
          {note}
          {inner.length > 0 && (
            <ul>
              {inner.map((text) => (
                <li key={text}>{text}</li>
              ))}
            </ul>
          )}
        </li>
      ))}
    </ul>
  );
}
