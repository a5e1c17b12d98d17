// Table 4: ours beside the paper's, by level where that can be compared, by order and paired differences where not.
import { useState } from 'preact/hooks';
import type { CellData, FolderData, PublishedData, Way } from '../page_data.js';
import { Choice } from './choice.js';
import { Downloads } from './download.js';
import { ExternalRows, ExternalSection } from './external.js';
import { analysedColumns, flatnessId } from './flatness.js';
import { accuracy, points } from './format.js';
import { TableBox } from './table_box.js';
import { Columns, Difference, Paired, WithHalf } from './table_parts.js';
import { cellsBy, wayInWords } from './ways.js';

function Cell({
  cell,
  wanted,
  scaledDown,
  flatness,
}: {
  cell: CellData;
  wanted: number;
  /** Whether the level of the numbers is not comparable with the paper's. */
  scaledDown: boolean;
  /** The place of its noise setting's analyses, if it has some. */
  flatness?: string;
}) {
  const { mean, half, paper, leads, seeds, failed, damaged, rank, aboveBaseline } = cell;
  const instead = damaged ? 'damaged' : failed ? 'failed' : 'not finished';
  const text = mean !== null && <WithHalf text={accuracy(mean)} half={half} />;
  return (
    <td data-method={cell.method} data-noise-setting={cell.noiseSetting}>
      {mean === null ? (
        <span class={damaged || failed ? 'missing failed' : 'missing'}>{instead}</span>
      ) : (
        <span class="ours">{leads ? <strong>{text}</strong> : text}</span>
      )}
      {mean !== null && seeds < wanted && (
        <span class="missing">
          {seeds} of {wanted} seeds{failed ? `, ${failed} failed` : ''}
        </span>
      )}
      {(scaledDown || paper === null) && aboveBaseline && (
        <span class="step beside">
          <Paired of={aboveBaseline} />
        </span>
      )}
      {scaledDown && rank && <Rank rank={rank} />}
      {!scaledDown && paper !== null && (
        <span class="beside">
          <span class="paper" title="the paper's">
            {paper.toFixed(1)}
          </span>
          {mean !== null && <Difference value={mean - paper} text={points(mean - paper)} />}
        </span>
      )}
      {flatness !== undefined && (
        <a class="to-flatness" href={`#${encodeURIComponent(flatness)}`}>
          flatness
        </a>
      )}
    </td>
  );
}

/** A method's place in its column, ours and the paper's: shaded where they are not the same. */
function Rank({ rank: { ours, paper, of } }: { rank: NonNullable<CellData['rank']> }) {
  return (
    <span class="beside rank" title={`place among ${of} methods that the paper has too`}>
      <Difference value={8 * (paper - ours)} text={ordinal(ours)} />
      <span> paper {ordinal(paper)}</span>
    </span>
  );
}

function ordinal(n: number): string {
  const ending = n % 100 >= 11 && n % 100 <= 13 ? 'th' : (['th', 'st', 'nd', 'rd'][n % 10] ?? 'th');
  return `${n}${ending}`;
}

/** What a row's runs cost, the same in all columns or from the least to the most. */
function costOf(cells: readonly CellData[]): string {
  const costs = cells.map(({ cost }) => cost);
  const [least, most] = [Math.min(...costs), Math.max(...costs)].map((cost) => Number(cost.toFixed(2)));
  return least === most ? `${least}` : `${least} to ${most}`;
}

/** From so many rows on they can be put in order. */
const MANY_ROWS = 8;
/** The order in which the suite has them. */
const AS_IN_SUITE = '';

/** The rows by their accuracy in a column, the best first; rows without one are last. */
function inOrder<Row extends { name: string }>(rows: Row[], column: CellData[]): Row[] {
  const means = new Map(column.map(({ method, mean }) => [method, mean ?? Number.NEGATIVE_INFINITY]));
  const mean = ({ name }: Row) => means.get(name) ?? Number.NEGATIVE_INFINITY;
  // Two of minus infinity have no difference.
  return rows.toSorted((a, b) => (mean(b) === mean(a) ? 0 : mean(b) - mean(a)));
}

/** The table of one folder, with its caption and notes. */
export function ResultsTable({ folder, named, way }: { folder: FolderData; named: boolean; way: Way }) {
  const { caption, noiseSettings, methods, seeds, baseline } = folder;
  const cells = cellsBy(folder, way);
  const scaledDown = folder.scaledDown !== null;
  const [order, setOrder] = useState(AS_IN_SUITE);
  const rows = inOrder(
    methods.filter(({ name }) => cells.some(({ method }) => method === name)),
    cells.filter(({ noiseSetting }) => noiseSetting === order),
  );
  const hasPaper = cells.some(({ paper }) => paper !== null);
  const hasSteps = cells.some(({ paper, aboveBaseline }) => aboveBaseline && (scaledDown || paper === null));
  const several = seeds.length > 1;
  return (
    <div class="card">
      {named && <h3>{folder.name}</h3>}
      {rows.length >= MANY_ROWS && (
        <div class="bar">
          <Choice
            legend="Rows"
            name="order"
            options={[
              { value: AS_IN_SUITE, title: 'As in the suite' },
              ...noiseSettings.map(({ label, title }) => ({ value: label, title: `Best at ${title}` })),
            ]}
            value={order}
            choose={setOrder}
          />
        </div>
      )}
      <TableBox class="results" caption={caption.title.replace('after the last epoch', wayInWords(way))}>
        <Columns noiseSettings={noiseSettings} sorted={order} />
        <tbody>
          {rows.map(({ name, title }) => {
            const own = cells.filter(({ method }) => method === name);
            return (
              <tr key={name}>
                <th scope="row">
                  {title} <span class="cost">cost {costOf(own)}</span>
                </th>
                {own.map((cell) => (
                  <Cell
                    key={cell.noiseSetting}
                    cell={cell}
                    wanted={seeds.length}
                    scaledDown={scaledDown}
                    {...(analysedColumns(folder, name).has(cell.noiseSetting) && {
                      flatness: flatnessId(folder, cell.noiseSetting),
                    })}
                  />
                ))}
              </tr>
            );
          })}
          <ExternalRows folder={folder} />
        </tbody>
      </TableBox>
      <p class="legend">
        In each cell: <b>ours</b>
        {several
          ? ', ± half of the 95 % interval of the mean over seeds; in bold where it is above every other row of its column, each difference paired by seed with a 95 % interval above zero (not corrected for their number)'
          : ', of one seed, so that nothing tells a difference from chance'}
        {hasSteps &&
          `; below it the difference to ${baseline} in percentage points${several ? ', paired by seed, shaded where its 95 % interval leaves out zero' : ''}`}
        {hasPaper && scaledDown && (
          <>
            ; then its place in the column beside its place in the paper, shaded where it is{' '}
            <Difference value={-8} text="lower" /> or <Difference value={8} text="higher" />. The paper's
            numbers are of another network and more training, and are not set against ours
          </>
        )}
        {hasPaper && !scaledDown && (
          <>
            ; below it the paper's, and the difference to it in percentage points, shaded{' '}
            <Difference value={-8} text="below" /> or <Difference value={8} text="above" />
          </>
        )}
        . Cost: of a run and the teachers it needs, in trainings with plain SGD.
        {way === 'best' &&
          ' The best epoch is chosen on the test images themselves: a figure that no one can reach on purpose, given because the literature often has it.'}
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
      <Published folder={folder} named={named} />
    </div>
  );
}

/** Table 4 as it was published, both blocks, beside our runs of the same methods and what their authors say elsewhere. */
function Published({ folder, named }: { folder: FolderData; named: boolean }) {
  const { noiseSettings } = folder;
  const rows = folder.published.filter(({ accuracies }) => accuracies.some((value) => value !== null));
  if (!rows.length) return null;
  const sources = [...new Set(rows.map(({ source }) => source))];
  const titleOf = (source: string) => rows.filter((row) => row.source === source).map(({ title }) => title);
  const block = (of: 'literature' | 'paper') =>
    rows
      .filter((row) => row.block === of)
      .flatMap((row) => [<Quoted key={row.title} row={row} folder={folder} />]);
  // What a suite of the literature's methods is for.
  const isPoint = rows.filter(({ block, ours }) => block === 'literature' && ours).length > 1;
  return (
    <details open={isPoint}>
      <summary>{named && `${folder.name}: `}Table 4 as published, beside ours</summary>
      <TableBox class="results published" label="Table 4 as published">
        <Columns noiseSettings={noiseSettings} />
        <tbody>
          <BlockTitle columns={noiseSettings.length}>Quoted by the paper from others</BlockTitle>
          {block('literature')}
          <BlockTitle columns={noiseSettings.length}>The paper's own</BlockTitle>
          {block('paper')}
        </tbody>
      </TableBox>
      <p class="legend">
        What the paper quotes is of other code, other networks and other conventions of noise: where new
        labels may be the true class again, 80 % noise is 72 % wrong labels. Ours are after the last epoch.
      </p>
      <ul class="notes">
        {sources.map((source) => (
          <li key={source}>
            {titleOf(source).join(', ')}: {source}
          </li>
        ))}
      </ul>
    </details>
  );
}

function BlockTitle({ columns, children }: { columns: number; children: string }) {
  return (
    <tr class="block">
      <th scope="rowgroup" colSpan={columns + 1}>
        {children}
      </th>
    </tr>
  );
}

/** A published row, and below it what its authors say elsewhere, and ours. */
function Quoted({ row, folder }: { row: PublishedData; folder: FolderData }) {
  const { title, accuracies, own, ours } = row;
  const labels = folder.noiseSettings.map(({ label }) => label);
  const numbers = (values: readonly (number | null)[]) =>
    values.map((value, i) => <td key={labels[i]}>{value === null ? '–' : value.toFixed(1)}</td>);
  return (
    <>
      <tr>
        <th scope="row">{title}</th>
        {numbers(accuracies)}
      </tr>
      {own.map(({ source, accuracies }) => (
        <tr key={source} class="aside">
          <th scope="row">{source}</th>
          {numbers(accuracies)}
        </tr>
      ))}
      {ours && (
        <tr class="aside">
          <th scope="row">
            <b>ours</b>: {ours.title}
          </th>
          {ours.cells.map((cell, i) => (
            <td key={labels[i]}>{cell ? <WithHalf text={accuracy(cell.mean)} half={cell.half} /> : '–'}</td>
          ))}
        </tr>
      )}
    </>
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
