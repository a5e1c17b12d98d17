// The page: what was run, the table, the figures, the runs, where it all comes from.
import { useState } from 'preact/hooks';
import type { PageData, Way } from '../page_data.js';
import { Agreement } from './agreement.js';
import { DifferenceTable } from './difference_table.js';
import { Figures } from './figures.js';
import { Flatness, isAnalysed } from './flatness.js';
import { Header, hasPaper } from './header.js';
import { Noise } from './noise.js';
import { Provenance, Settings } from './origin.js';
import { RhoGrids } from './rho.js';
import { Runs } from './runs.js';
import { ResultsTable } from './table.js';
import { WayChoice } from './ways.js';

/** @param connection of a page that is served live: how it stands */
export function Page({ data, connection }: { data: PageData; connection?: string }) {
  const { folders, differences } = data;
  const named = folders.length > 1;
  const [way, setWay] = useState<Way>('last');
  return (
    <>
      <a class="skip" href="#table">
        To the table
      </a>
      <Header data={data} connection={connection} />
      <main>
        {named && (
          <section id="differences">
            <h2>Differences</h2>
            {folders.slice(1).map(({ name }) => (
              <DifferenceTable
                key={name}
                folder={folders[0]!}
                to={name}
                differences={differences.filter(({ to }) => to === name)}
              />
            ))}
          </section>
        )}
        <section id="table">
          <h2>{hasPaper(data) ? 'Table 4' : 'Results'}</h2>
          <div class="bar">
            <WayChoice folders={folders} way={way} choose={setWay} />
          </div>
          {folders.map((folder) => (
            <ResultsTable key={folder.name} folder={folder} named={named} way={way} />
          ))}
        </section>
        <section id="agreement">
          <h2>{hasPaper(data) ? 'Agreement with the paper, and memorisation' : 'Memorisation'}</h2>
          {folders.map((folder) => (
            <Agreement key={folder.name} folder={folder} named={named} />
          ))}
        </section>
        <Figures data={data} way={way} setWay={setWay} />
        {folders.some(({ rho }) => rho.length > 0) && (
          <section id="rho">
            <h2>Accuracy over rho, noise and m</h2>
            {folders.map((folder) => (
              <RhoGrids key={folder.name} folder={folder} named={named} />
            ))}
          </section>
        )}
        {folders.some(isAnalysed) && (
          <section id="flatness">
            <h2>Flatness</h2>
            {folders.map((folder) => (
              <Flatness key={folder.name} folder={folder} named={named} />
            ))}
          </section>
        )}
        <section id="noise">
          <h2>Noise as it was drawn</h2>
          {folders.map((folder) => (
            <Noise key={folder.name} folder={folder} named={named} />
          ))}
        </section>
        <section id="runs">
          <h2>Runs</h2>
          {folders.map((folder) => (
            <Runs key={folder.name} folder={folder} named={named} />
          ))}
        </section>
        <section id="provenance">
          <h2>Provenance</h2>
          <Provenance folders={folders} />
        </section>
        <section id="settings">
          <h2>Settings</h2>
          {folders.map((folder) => (
            <Settings key={folder.name} folder={folder} named={named} />
          ))}
        </section>
      </main>
      <footer>
        <p>
          Made by labelnoise {data.version} from the records of these runs. The paper: Foret, Kleiner, Mobahi,
          Neyshabur, Sharpness-Aware Minimization for Efficiently Improving Generalization, ICLR 2021 (arXiv
          2010.01412).
        </p>
      </footer>
    </>
  );
}
