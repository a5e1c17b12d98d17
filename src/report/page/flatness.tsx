// Flatness: what analyses of the final weights have found, at one noise setting at a time.
import { useEffect, useState } from 'preact/hooks';
import type { FolderData } from '../page_data.js';
import { Choice } from './choice.js';
import { SharpnessFigures, Spectra } from './spectra.js';
import { Lines, Profiles, Surfaces } from './surfaces.js';
import { WatchedFigures } from './watched.js';

/** Whether there is anything to show. */
export const isAnalysed = ({ analyses }: FolderData) =>
  Object.values(analyses).some(({ length }) => length > 0);

/** All that was found, of whatever kind. */
const allOf = ({ analyses: { faults: _, ...found } }: FolderData) => Object.values(found).flat();

/** The noise settings under which a run of the method was analysed. */
export function analysedColumns(folder: FolderData, method: string): Set<string> {
  const begun = folder.analyses.lines.map((line) => ({ ...line, method: line.from }));
  return new Set([...allOf(folder), ...begun].filter((one) => one.method === method).map(columnOf));
}

const columnOf = ({ noiseSetting }: { noiseSetting: string }) => noiseSetting;

/** The place on the page of a noise setting's figures. */
export const flatnessId = ({ name }: FolderData, noiseSetting: string) => `flatness-${name}-${noiseSetting}`;

export function Flatness({ folder, named }: { folder: FolderData; named: boolean }) {
  const { analyses, noiseSettings } = folder;
  const known = new Set(allOf(folder).map(columnOf));
  const columns = noiseSettings.filter(({ label }) => known.has(label));
  const [chosen, choose] = useState<string>();
  // Whoever follows a link from a cell of the table sees that cell's noise setting.
  useEffect(() => {
    const follow = () => {
      const target = decodeURIComponent(location.hash.slice(1));
      const meant = columns.find(({ label }) => flatnessId(folder, label) === target);
      if (meant) choose(meant.label);
    };
    follow();
    addEventListener('hashchange', follow);
    return () => removeEventListener('hashchange', follow);
  }, [folder]);
  const column = columns.find(({ label }) => label === chosen) ?? columns[0];
  const faults = analyses.faults.map((fault) => (
    <p class="banner bad" key={fault}>
      {fault}
    </p>
  ));
  if (!column) return faults.length ? <div class="card">{faults}</div> : null;
  const at = <One extends { noiseSetting: string }>(all: readonly One[]) =>
    all.filter(({ noiseSetting }) => noiseSetting === column.label);
  return (
    <div class="card">
      {columns.map(({ label }) => (
        <span key={label} id={flatnessId(folder, label)} />
      ))}
      {named && <h3>{folder.name}</h3>}
      {faults}
      <div class="bar">
        <Choice
          legend="Noise"
          name="flatness"
          options={columns.map(({ label, title }) => ({ value: label, title }))}
          value={column.label}
          choose={choose}
        />
      </div>
      <Spectra folder={folder} all={analyses.spectra} shown={at(analyses.spectra)} />
      <SharpnessFigures folder={folder} all={analyses.sharpness} shown={at(analyses.sharpness)} />
      <WatchedFigures folder={folder} all={analyses.watched} shown={at(analyses.watched)} />
      <Lines folder={folder} all={analyses.lines} shown={at(analyses.lines)} />
      <Profiles folder={folder} all={analyses.profiles} shown={at(analyses.profiles)} />
      <Surfaces folder={folder} all={analyses.surfaces} shown={at(analyses.surfaces)} />
    </div>
  );
}
