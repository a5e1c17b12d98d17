// Table 4 with ours, the paper's and the difference in each cell, and the differences between folders.
import type { CellData, ConditionData, DifferenceData, FolderData } from '../page_data.js';
import { Download } from './download.js';
import { accuracy, points, withHalf } from './format.js';
import { TableBox } from './table_box.js';

/** Differences are shaded in full from here on, in points. */
const FULL_SHADE = 40;

/** The shade of a difference, -1 to 1; roots tell small ones apart. */
const shade = (difference: number) =>
  Math.sign(difference) * Math.min(1, Math.sqrt(Math.abs(difference) / FULL_SHADE));

export function Difference({ value, text }: { value: number; text: string }) {
  const strength = shade(value);
  const colour = strength < 0 ? 'var(--below)' : 'var(--above)';
  const background = `color-mix(in srgb, ${colour} ${Math.round(Math.abs(strength) * 42)}%, transparent)`;
  return (
    <span class="difference" style={{ background }}>
      {text}
    </span>
  );
}

function Cell({ cell, wanted }: { cell: CellData; wanted: number }) {
  const { mean, half, paper, best, seeds, failed } = cell;
  const text = mean === null ? '' : withHalf(accuracy(mean), half);
  return (
    <td data-method={cell.method} data-condition={cell.condition}>
      {mean === null ? (
        <span class={failed ? 'missing failed' : 'missing'}>{failed ? 'failed' : 'not finished'}</span>
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

/** The head of a table with a column for each condition, and one more if it is named. */
export function Columns({
  first = 'Method',
  conditions,
  last,
}: {
  first?: string;
  conditions: readonly ConditionData[];
  last?: string;
}) {
  return (
    <thead>
      <tr>
        <th scope="col">{first}</th>
        {conditions.map(({ label, title }) => (
          <th scope="col" key={label}>
            {title}
          </th>
        ))}
        {last && <th scope="col">{last}</th>}
      </tr>
    </thead>
  );
}

/** The table of one folder, with its caption and notes. */
export function ResultsTable({ folder, named }: { folder: FolderData; named: boolean }) {
  const { caption, conditions, methods, cells, seeds, literature } = folder;
  const rows = methods.filter(({ name }) => cells.some(({ method }) => method === name));
  const published = literature.filter(({ accuracies }) => accuracies.some((a) => a !== null));
  return (
    <div class="card">
      {named && <h3>{folder.name}</h3>}
      <TableBox class="results" caption={caption.title}>
        <Columns conditions={conditions} />
        <tbody>
          {rows.map(({ name, title }) => (
            <tr key={name}>
              <th scope="row">{title}</th>
              {cells
                .filter(({ method }) => method === name)
                .map((cell) => (
                  <Cell key={cell.condition} cell={cell} wanted={seeds.length} />
                ))}
            </tr>
          ))}
        </tbody>
      </TableBox>
      <p class="legend">
        In each cell: <b>ours</b>, best of a column in bold
        {seeds.length > 1 && ', ± half of the 95 % interval of the mean over seeds'}; below it the paper's,
        and the difference to it in points, shaded <Difference value={-8} text="below" /> or{' '}
        <Difference value={8} text="above" />.
      </p>
      <p class="note">{caption.noise}</p>
      <Notes notes={caption.about} />
      <div class="actions">
        {['comparison.csv', 'table4.csv', 'runs.csv'].map((name) => (
          <Download key={name} name={name} content={() => folder.csv[name]!} />
        ))}
      </div>
      {published.length > 0 && (
        <details>
          <summary>Other published results, as quoted by the paper</summary>
          <TableBox class="results published" label="Other published results">
            <Columns conditions={conditions} />
            <tbody>
              {published.map(({ title, source, accuracies }) => (
                <tr key={title}>
                  <th scope="row" title={source}>
                    {title}
                  </th>
                  {accuracies.map((value, i) => (
                    <td key={conditions[i]!.label}>{value === null ? '–' : value.toFixed(1)}</td>
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

/** What changed from the first folder to another, cell by cell. */
export function DifferencesTable({
  differences,
  folder,
  to,
}: {
  differences: readonly DifferenceData[];
  folder: FolderData;
  to: string;
}) {
  const from = folder.name;
  const cellOf = (method: string, condition: string) =>
    differences.find((d) => d.method === method && d.condition === condition);
  const paired = differences.every((d) => d.paired);
  return (
    <div class="card">
      <h3>
        From {from} to {to}
      </h3>
      <TableBox class="results differences" caption={`${to} minus ${from}, points of accuracy`}>
        <Columns conditions={folder.conditions} />
        <tbody>
          {folder.methods.map(({ name, title }) => (
            <tr key={name}>
              <th scope="row">{title}</th>
              {folder.conditions.map(({ label }) => {
                const cell = cellOf(name, label);
                const clear = cell?.half && Math.abs(cell.difference) > cell.half;
                const text = cell && withHalf(points(cell.difference), cell.half);
                return (
                  <td key={label} data-method={name} data-condition={label}>
                    {cell ? (
                      <Difference value={cell.difference} text={clear ? `${text} *` : text!} />
                    ) : (
                      <span class="missing">–</span>
                    )}
                  </td>
                );
              })}
            </tr>
          ))}
        </tbody>
      </TableBox>
      <p class="legend">
        {differences.some(({ half }) => half !== null)
          ? `± half of the 95 % interval, ${paired ? 'paired by seed' : 'paired by seed where both have the same seeds, else Welch’s'}; * the interval leaves out zero. The cells are not corrected for their number.`
          : 'One seed on a side: nothing tells a difference from chance here.'}
      </p>
    </div>
  );
}
