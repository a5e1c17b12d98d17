// The leaderboard's page: one table that can be narrowed down, sorted, and linked to as it stands.
import { useEffect, useState } from 'preact/hooks';
import { Download } from './download.js';
import { accuracy, count, csv, withHalf } from './format.js';
import { ThemeChoice } from './header.js';
import type { Accuracy, LeaderboardData, LeaderboardRow } from './leaderboard_data.js';
import { TableBox } from './table_box.js';

/** What is shown, as the address tells it. */
interface View {
  /** Empty for all. */
  setting: string;
  noise: string;
  /** What a row's method, author or suite must contain. */
  find: string;
  /** Whether rows must have been trained again by somebody. */
  rerun: boolean;
  sort: string;
  /** Whether the lowest comes first. */
  up: boolean;
}

interface Column {
  id: string;
  title: string;
  value(row: LeaderboardRow): number | string | null;
  /** Numbers are sorted from the highest on, and stand to the right. */
  isNumber: boolean;
}

const COLUMNS: Column[] = [
  { id: 'method', title: 'Method', value: ({ method }) => method, isNumber: false },
  { id: 'noise', title: 'Noise', value: ({ noise }) => noise, isNumber: false },
  { id: 'last', title: 'Last epoch', value: ({ last }) => last.mean, isNumber: true },
  { id: 'best', title: 'Best epoch', value: ({ best }) => best?.mean ?? null, isNumber: true },
  { id: 'chosen', title: 'Chosen epoch', value: ({ chosen }) => chosen?.mean ?? null, isNumber: true },
  { id: 'seeds', title: 'Seeds', value: ({ seeds }) => seeds, isNumber: true },
  { id: 'cost', title: 'Cost (SGD runs)', value: ({ cost }) => cost, isNumber: true },
  { id: 'by', title: 'Submitted by', value: ({ by }) => by, isNumber: false },
  { id: 'reruns', title: 'Trained again by', value: rerunText, isNumber: false },
];

const VERDICTS = {
  same: 'same bits',
  agrees: 'agrees',
  differs: 'differs',
  unjudged: 'not judged',
} as const;

function rerunText({ reruns }: LeaderboardRow): string | null {
  const texts = reruns.map(({ by, runs, verdict }) => `${by}: ${count(runs, 'run')}, ${VERDICTS[verdict]}`);
  return texts.length ? texts.join('; ') : null;
}

/** The setting with most rows first: rows of one setting alone can be compared. */
function settingsOf(rows: readonly LeaderboardRow[]): string[] {
  const counts = new Map<string, number>();
  for (const { setting } of rows) counts.set(setting, (counts.get(setting) ?? 0) + 1);
  return [...counts].sort(([a, n], [b, m]) => m - n || (a < b ? -1 : 1)).map(([setting]) => setting);
}

function defaultView({ rows }: LeaderboardData): View {
  return { setting: settingsOf(rows)[0] ?? '', noise: '', find: '', rerun: false, sort: 'last', up: false };
}

/** The view that an address's part after `#` tells; what it does not tell, or wrongly, is as by default. */
export function viewOf(hash: string, data: LeaderboardData): View {
  const told = new URLSearchParams(hash.replace(/^#/, ''));
  const view = defaultView(data);
  const known = (of: (row: LeaderboardRow) => string, value: string | null) =>
    value !== null && (value === '' || data.rows.some((row) => of(row) === value)) ? value : undefined;
  return {
    setting: known(({ setting }) => setting, told.get('setting')) ?? view.setting,
    noise: known(({ noise }) => noise, told.get('noise')) ?? view.noise,
    find: told.get('find') ?? view.find,
    rerun: told.get('rerun') === '1',
    sort: COLUMNS.some(({ id }) => id === told.get('sort')) ? told.get('sort')! : view.sort,
    up: told.get('up') === '1',
  };
}

/** The address's part after `#` for a view; empty for the default one. */
export function hashOf(view: View, data: LeaderboardData): string {
  const usual = defaultView(data);
  const told = new URLSearchParams();
  for (const key of ['setting', 'noise', 'find', 'sort'] as const)
    if (view[key] !== usual[key]) told.set(key, view[key]);
  for (const key of ['rerun', 'up'] as const) if (view[key]) told.set(key, '1');
  return `${told}`;
}

function rowsOf({ rows }: LeaderboardData, { setting, noise, find, rerun, sort, up }: View) {
  const wanted = find.trim().toLowerCase();
  const column = COLUMNS.find(({ id }) => id === sort)!;
  const sign = up === column.isNumber ? 1 : -1;
  const shown = rows.filter(
    (row) =>
      (!setting || row.setting === setting) &&
      (!noise || row.noise === noise) &&
      (!rerun || row.reruns.length > 0) &&
      [row.method, row.by ?? '', row.suite, row.folder].join('\n').toLowerCase().includes(wanted),
  );
  return shown.toSorted((a, b) => {
    const [x, y] = [column.value(a), column.value(b)];
    // What has no value comes last, however it is sorted.
    if (x === null || y === null) return Number(x === null) - Number(y === null);
    const order =
      typeof x === 'number' && typeof y === 'number'
        ? x - y
        : String(x).localeCompare(String(y), 'en', { numeric: true });
    return order * sign || b.last.mean - a.last.mean;
  });
}

export function Leaderboard({ data }: { data: LeaderboardData }) {
  // The server does not know the address: it is looked up when the page has come alive.
  const [view, setView] = useState<View>(() => defaultView(data));
  useEffect(() => {
    const read = () => setView(viewOf(location.hash, data));
    read();
    addEventListener('hashchange', read);
    return () => removeEventListener('hashchange', read);
  }, [data]);
  const change = (changes: Partial<View>) => {
    const next = { ...view, ...changes };
    setView(next);
    const hash = hashOf(next, data);
    history.replaceState(null, '', hash ? `#${hash}` : location.pathname + location.search);
  };
  const rows = rowsOf(data, view);
  const noises = [...new Set(data.rows.map(({ noise }) => noise))].sort((a, b) =>
    a.localeCompare(b, 'en', { numeric: true }),
  );
  const sortBy = (id: string) => change(view.sort === id ? { up: !view.up } : { sort: id, up: false });
  return (
    <>
      <a class="skip" href="#rows">
        To the table
      </a>
      <header>
        <div class="top">
          <p class="overline">labelnoise {data.version}</p>
          <ThemeChoice />
        </div>
        <h1>Label-noise leaderboard</h1>
        <p class="lead">
          Clean accuracy after training on wrong labels. Every row is of a results folder that was verified:
          whole by its checksums, with the labels of its noise, and tables that its records give.
        </p>
      </header>
      <main>
        <form class="filters card" aria-label="What is shown" onSubmit={(event) => event.preventDefault()}>
          <Select
            label="Setting"
            value={view.setting}
            all="all settings (not comparable with each other)"
            values={settingsOf(data.rows)}
            choose={(setting) => change({ setting })}
          />
          <Select
            label="Noise"
            value={view.noise}
            all="all noise settings"
            values={noises}
            choose={(noise) => change({ noise })}
          />
          <label class="filter">
            <span>Find</span>
            <input
              type="search"
              value={view.find}
              placeholder="method, person, suite"
              onInput={({ currentTarget }) => change({ find: currentTarget.value })}
            />
          </label>
          <label class="filter check">
            <input
              type="checkbox"
              checked={view.rerun}
              onChange={({ currentTarget }) => change({ rerun: currentTarget.checked })}
            />
            <span>only trained again by somebody</span>
          </label>
        </form>
        <section id="rows">
          <h2>Results</h2>
          {view.setting !== '' && <p>{view.setting}</p>}
          <p class="caption" role="status">
            {count(rows.length, 'row')} of {data.rows.length.toLocaleString('en')}. The address of this page
            leads to what is shown now.
          </p>
          <div class="card">
            <TableBox class="board" label="Results">
              <thead>
                <tr>
                  {COLUMNS.map(({ id, title, isNumber }) => (
                    <th
                      key={id}
                      scope="col"
                      class={isNumber ? 'number' : undefined}
                      aria-sort={
                        view.sort === id ? (view.up === isNumber ? 'ascending' : 'descending') : undefined
                      }
                    >
                      <button type="button" onClick={() => sortBy(id)}>
                        {title}
                        <span class="arrow" aria-hidden="true">
                          {view.sort === id ? (view.up === isNumber ? ' ▲' : ' ▼') : ''}
                        </span>
                      </button>
                    </th>
                  ))}
                </tr>
              </thead>
              <tbody>
                {rows.map((row) => (
                  <Row
                    key={`${row.folder}\n${row.method}\n${row.noise}`}
                    row={row}
                    withSetting={view.setting === ''}
                  />
                ))}
              </tbody>
            </TableBox>
            {rows.length === 0 && <p class="note">Nothing is like that.</p>}
            <div class="actions">
              <Download name="leaderboard.csv" content={() => csvOf(rows)} />
            </div>
          </div>
          <ul class="notes">
            <li>
              Accuracy in percent, mean over the seeds; ±: half of the 95 % Student-t interval. Best epoch:
              looks at the test images, an upper bound. Chosen epoch: by the noisy labels of validation
              images.
            </li>
            <li>Cost: what one run and its teachers take, in trainings by SGD of the same length.</li>
            <li>
              External: scored by its predictions, not trained by labelnoise. Trained again: runs drawn by
              chance; same bits where machine and libraries are alike, elsewhere within what seeds differ by.
            </li>
          </ul>
        </section>
      </main>
      <footer>
        <p>
          Made by labelnoise {data.version} from verified records; leaderboard.json beside this page has the
          same.
        </p>
      </footer>
    </>
  );
}

function Select({
  label,
  value,
  all,
  values,
  choose,
}: {
  label: string;
  value: string;
  all: string;
  values: readonly string[];
  choose(value: string): void;
}) {
  return (
    <label class="filter">
      <span>{label}</span>
      <select value={value} onChange={({ currentTarget }) => choose(currentTarget.value)}>
        <option value="">{all}</option>
        {values.map((one) => (
          <option key={one} value={one} selected={one === value}>
            {one}
          </option>
        ))}
      </select>
    </label>
  );
}

function Row({ row, withSetting }: { row: LeaderboardRow; withSetting: boolean }) {
  const { method, noise, last, best, chosen, seeds, cost, time, by, link, hardware, reruns } = row;
  return (
    <tr>
      <th scope="row">
        {method} {row.external && <span class="mark">external</span>}
        <span class="beside">{withSetting ? row.setting : row.suite}</span>
      </th>
      <td>{noise}</td>
      <td class="number">
        <Percent value={last} />
      </td>
      <td class="number">
        <Percent value={best} />
      </td>
      <td class="number">
        <Percent value={chosen} />
      </td>
      <td class="number">{seeds}</td>
      <td class="number">
        {cost === null ? <None /> : Number(cost.toFixed(2))}
        {time && <span class="beside">{time} a run</span>}
      </td>
      <td>
        {by === null ? <None /> : link === null ? by : <a href={link}>{by}</a>}
        {hardware && <span class="beside">{hardware}</span>}
      </td>
      <td>
        {reruns.length === 0 && <None />}
        {reruns.map(({ by, runs, verdict }) => (
          <span class="rerun" key={by}>
            {by}: {count(runs, 'run')},{' '}
            <span class={`verdict ${verdict}`}>
              <span aria-hidden="true">
                {verdict === 'differs' ? '✗' : verdict === 'unjudged' ? '?' : '✓'}
              </span>{' '}
              {VERDICTS[verdict]}
            </span>
          </span>
        ))}
      </td>
    </tr>
  );
}

function None() {
  return (
    <>
      <span aria-hidden="true">–</span>
      <span class="unseen">none</span>
    </>
  );
}

function Percent({ value }: { value: Accuracy | null }) {
  return value === null ? <None /> : <span>{withHalf(accuracy(value.mean), value.half)}</span>;
}

function csvOf(rows: readonly LeaderboardRow[]): string {
  const head = ['method', 'external', 'noise', 'dataset', 'network', 'setting', 'suite', 'folder'];
  const figures = [
    'last',
    'last_half',
    'best',
    'chosen',
    'seeds',
    'cost',
    'by',
    'link',
    'hardware',
    'reruns',
  ];
  return csv([
    [...head, ...figures],
    ...rows.map((row) => [
      ...[
        row.method,
        String(row.external),
        row.noise,
        row.dataset,
        row.network,
        row.setting,
        row.suite,
        row.folder,
      ],
      ...[
        row.last.mean,
        row.last.half,
        row.best?.mean ?? null,
        row.chosen?.mean ?? null,
        row.seeds,
        row.cost,
      ],
      ...[row.by, row.link, row.hardware, rerunText(row)],
    ]),
  ]);
}
