// What was run, how far it is, and what a reader must know before the numbers.
import { useEffect, useState } from 'preact/hooks';
import type { FolderData, PageData } from '../page_data.js';
import { Choice } from './choice.js';
import { isAnalysed } from './flatness.js';
import { count } from './format.js';
import { chooseTheme, chosenTheme, type Theme } from './theme.js';

export function Header({ data, connection }: { data: PageData; connection: string | undefined }) {
  const [first] = data.folders;
  const many = data.folders.length > 1;
  return (
    <header>
      <div class="top">
        <p class="overline">
          labelnoise {data.version}
          {connection && (
            <span class="live" role="status">
              {connection}
            </span>
          )}
        </p>
        <ThemeChoice />
      </div>
      <h1>{many ? `Comparison: ${data.title}` : first!.suite}</h1>
      <p class="lead">
        {many
          ? `${hasPaper(data) ? 'Table 4 of the SAM paper (Foret et al., 2021), re-run: several' : 'Several'} results side by side.`
          : `${hasPaper(data) ? 'Table 4 of the SAM paper (Foret et al., 2021), re-run. ' : ''}${first!.description}`}
      </p>
      {data.folders.map((folder) => (
        <Summary key={folder.name} folder={folder} named={many} />
      ))}
      <nav aria-label="Sections">
        {sectionsOf(data).map(({ id, title }) => (
          <a key={id} href={`#${id}`}>
            {title}
          </a>
        ))}
      </nav>
    </header>
  );
}

/** Whether the paper has numbers for any of the cells; without, nothing is to agree with. */
export const hasPaper = ({ folders }: Pick<PageData, 'folders'>) =>
  folders.some(({ cells }) => cells.some(({ paper }) => paper !== null));

function sectionsOf(data: PageData) {
  const { folders } = data;
  return [
    ...(folders.length > 1 ? [{ id: 'differences', title: 'Differences' }] : []),
    { id: 'table', title: hasPaper(data) ? 'Table 4' : 'Results' },
    { id: 'agreement', title: hasPaper(data) ? 'Agreement' : 'Memorisation' },
    { id: 'accuracy', title: 'Accuracy' },
    ...(folders.some(({ cells }) => new Set(cells.map(({ cost }) => cost)).size > 1)
      ? [{ id: 'cost', title: 'Cost' }]
      : []),
    { id: 'training', title: 'Training' },
    ...(folders.some(({ rho }) => rho.length > 0) ? [{ id: 'rho', title: 'rho and m' }] : []),
    ...(folders.some(isAnalysed) ? [{ id: 'flatness', title: 'Flatness' }] : []),
    { id: 'noise', title: 'Noise' },
    { id: 'runs', title: 'Runs' },
    { id: 'provenance', title: 'Provenance' },
    { id: 'settings', title: 'Settings' },
  ];
}

/** Light, dark, or as the system has it. */
export function ThemeChoice() {
  // The server does not know it: it is looked up when the page has come alive.
  const [theme, setTheme] = useState<Theme>('auto');
  useEffect(() => setTheme(chosenTheme()), []);
  return (
    <Choice
      legend="Theme"
      name="theme"
      options={[
        { value: 'auto', title: 'Auto' },
        { value: 'light', title: 'Light' },
        { value: 'dark', title: 'Dark' },
      ]}
      value={theme}
      choose={(chosen) => {
        chooseTheme(chosen);
        setTheme(chosen);
      }}
    />
  );
}

function Summary({ folder, named }: { folder: FolderData; named: boolean }) {
  const { facts, scaledDown, runs } = folder;
  return (
    <section class="summary" aria-label={named ? folder.name : 'Summary'}>
      {named && <h2>{folder.name}</h2>}
      {named && <p class="note">{folder.description}</p>}
      {scaledDown !== null && (
        <p class="banner">
          <b>Scaled down.</b> {scaledDown}
          {hasPaper({ folders: [folder] }) &&
            " Compare the order of the methods with the paper's, not the level of the numbers."}
        </p>
      )}
      <Unfinished runs={runs} />
      <dl>
        {facts.map(({ name, text }) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{text}</dd>
          </div>
        ))}
      </dl>
    </section>
  );
}

function Unfinished({ runs }: Pick<FolderData, 'runs'>) {
  const number = (...states: string[]) => runs.filter(({ state }) => states.includes(state)).length;
  const finished = number('finished');
  if (finished === runs.length) return null;
  const [failed, without, damaged] = [number('failed'), number('teacher failed'), number('damaged')];
  const parts = [
    `${finished} of ${count(runs.length, 'run')} finished`,
    damaged && `${damaged} damaged`,
    failed && `${failed} failed`,
    without && `${without} without a teacher`,
    number('running') && `${number('running')} under way`,
    number('begun', 'to do') && `${number('begun', 'to do')} to do`,
  ].filter(Boolean);
  const bad = failed || damaged;
  return (
    <p class={bad ? 'banner bad' : 'banner plain'}>
      <b>{bad ? 'Not complete.' : 'Not finished.'}</b> {parts.join(', ')}. Cells without a result say so.
    </p>
  );
}
