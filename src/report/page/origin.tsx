// Where the numbers come from, and with which settings.
import type { FolderData } from '../page_data.js';
import { count } from './format.js';
import { TableBox } from './table_box.js';

/** One column a folder; what is not the same in all is marked. */
export function Provenance({ folders }: { folders: readonly FolderData[] }) {
  const textOf = (folder: FolderData, i: number) => {
    const { values } = folder.provenance[i]!;
    if (values.length < 2) return values[0]?.value ?? '–';
    return values.map(({ value, runs }) => `${value} (${count(runs, 'run')})`).join(', ');
  };
  return (
    <div class="card">
      <TableBox class="pairs" label="Provenance">
        {folders.length > 1 && (
          <thead>
            <tr>
              <td />
              {folders.map(({ name }) => (
                <th scope="col" key={name}>
                  {name}
                </th>
              ))}
            </tr>
          </thead>
        )}
        <tbody>
          {folders[0]!.provenance.map(({ name }, i) => {
            const texts = folders.map((folder) => textOf(folder, i));
            const differs = new Set(texts).size > 1;
            return (
              <tr key={name} class={differs ? 'differs' : undefined}>
                <th scope="row">{name}</th>
                {texts.map((text, place) => (
                  <td key={folders[place]!.name}>{text}</td>
                ))}
              </tr>
            );
          })}
        </tbody>
      </TableBox>
      {folders.length > 1 && <p class="legend">Marked rows differ.</p>}
    </div>
  );
}

export function Settings({ folder, named }: { folder: FolderData; named: boolean }) {
  const { differing, shared } = folder.settings;
  return (
    <div class="card">
      {named && <h3>{folder.name}</h3>}
      <p class="note">The same in all cells: {shared}.</p>
      {differing.length > 0 && (
        <>
          <p class="note">Different between cells:</p>
          <ul class="notes">
            {differing.map((line) => (
              <li key={line}>{line}</li>
            ))}
          </ul>
        </>
      )}
      <details>
        <summary>The whole suite as JSON</summary>
        {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, also with the arrow keys */}
        <pre class="scroll" tabIndex={0}>
          {folder.suiteJson}
        </pre>
      </details>
    </div>
  );
}
