// The runs of a folder: which learns from which, how they stand, and what they cost.
import type { FolderData, RunData, RunState } from '../page_data.js';
import { Chart } from './chart.js';
import { Downloads } from './download.js';
import { accuracy, count } from './format.js';
import { STATES } from './styles.js';
import { Heads, TableBox } from './table_box.js';

const ORDER: RunState[] = ['running', 'damaged', 'failed', 'teacher failed', 'begun', 'to do', 'finished'];

function State({ run }: { run: RunData }) {
  const { sign, colour } = STATES[run.state];
  return (
    <span class="state">
      <span style={{ color: colour }} aria-hidden="true">
        {sign}
      </span>{' '}
      {run.state}
      {run.note && `: ${run.note}`}
      {run.state === 'running' && <progress value={run.share} max={1} aria-label={`of ${run.id}`} />}
    </span>
  );
}

export function Runs({ folder, named }: { folder: FolderData; named: boolean }) {
  const { runs, methods, noiseSettings } = folder;
  const titleOf = (name: string) => methods.find((m) => m.name === name)!.title;
  const counts = ORDER.map((state) => ({
    state,
    runs: runs.filter((run) => run.state === state).length,
  })).filter(({ runs }) => runs > 0);
  const failed = runs.filter(({ state }) => state === 'failed');
  const number = (value: number | null) => (value === null ? '' : accuracy(value));
  return (
    <div class="card">
      {named && <h3>{folder.name}</h3>}
      <p class="counts">
        {counts.map(({ state, runs }) => (
          <span key={state}>
            <span style={{ color: STATES[state].colour }} aria-hidden="true">
              {STATES[state].sign}
            </span>{' '}
            {runs} {state}
          </span>
        ))}
      </p>
      {failed.length > 0 && (
        <ul class="failures">
          {failed.map((run) => (
            <li key={run.id}>
              <b>
                {titleOf(run.method)}, {run.column}, seed {run.seed}
              </b>{' '}
              failed: {run.note}
            </li>
          ))}
        </ul>
      )}
      <Chart
        name="runs"
        label="Run graph: a box for each run with its state and time, an arrow from each teacher to its student"
        of={[folder]}
        draw={(drawings, width) => drawings.runGraph(runs, methods, noiseSettings, width)}
      />
      <p class="legend">
        An arrow leads from a teacher to the run that learns what it predicts. The darker a finished box, the
        longer it trained.
      </p>
      <details>
        <summary>{count(runs.length, 'run')} as a table</summary>
        <TableBox class="runs" label={`Runs: ${folder.name}`}>
          <Heads
            words={[
              'Run',
              'Method',
              'Noise',
              'Seed',
              'State',
              'Test accuracy',
              'Memorised wrong labels',
              'Accuracy on mislabelled images',
              'Time',
              'Cost',
              'Learns from',
            ]}
          />
          <tbody>
            {runs.map((run) => (
              <tr key={run.id}>
                <th scope="row">
                  <code>{run.id}</code>
                </th>
                <td>{titleOf(run.method)}</td>
                <td class="number">{run.column}</td>
                <td class="number">{run.seed}</td>
                <td>
                  <State run={run} />
                </td>
                <td class="number">{number(run.accuracy)}</td>
                <td class="number">{number(run.wrongLabelsFitted)}</td>
                <td class="number">{number(run.trueLabelsRecovered)}</td>
                <td class="number">{run.duration}</td>
                <td class="number">{run.cost}</td>
                <td>{run.dependsOn.length ? <code>{run.dependsOn.join(', ')}</code> : 'the noisy labels'}</td>
              </tr>
            ))}
          </tbody>
        </TableBox>
        <p class="legend">Cost: in trainings with plain SGD.</p>
      </details>
      <Downloads folder={folder} named={named} names={['runs.csv']} />
    </div>
  );
}
