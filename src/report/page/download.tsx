// Buttons that save files made in the page.
import type { FolderData } from '../page_data.js';
import { saveFile } from './save.js';

interface Props {
  name: string;
  /** Made when it is asked for. */
  content(): string;
}

export function Download({ name, content }: Props) {
  const save = () =>
    saveFile(name, new Blob([content()], { type: name.endsWith('.csv') ? 'text/csv' : 'text/plain' }));
  return (
    <button type="button" class="download" onClick={save}>
      <span aria-hidden="true">↓</span> {name}
    </button>
  );
}

/** Of a folder's files those of these names; with several folders on the page, the folder is part of the name. */
export function Downloads({
  folder,
  named,
  names,
}: {
  folder: FolderData;
  named: boolean;
  names: readonly string[];
}) {
  const prefix = named ? `${folder.name.replace(/[^\w.-]+/g, '-')}-` : '';
  return (
    <div class="actions">
      {names.map((name) => (
        <Download key={name} name={prefix + name} content={() => folder.csv[name]!} />
      ))}
    </div>
  );
}
