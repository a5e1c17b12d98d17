// How far the results agree with the paper's, whatever their level: the order of the methods, the steps between them, and memorisation.
import type { FolderData, MethodDifference } from '../page_data.js';
import { Downloads } from './download.js';
import { points } from './format.js';
import { TableBox } from './table_box.js';
import { Columns, Paired, WithHalf } from './table_parts.js';

export function Step({ step }: { step: MethodDifference | null }) {
  if (!step)
    return (
      <td>
        <span class="missing">–</span>
      </td>
    );
  const { paper } = step;
  return (
    <td>
      <span class="step">
        <Paired of={step} />
      </span>
      {paper !== null && <span class="beside">{points(paper)}</span>}
    </td>
  );
}

const tauText = (tau: number | null) => (tau === null ? '–' : tau.toFixed(2).replace('-', '−'));

export function Agreement({ folder, named }: { folder: FolderData; named: boolean }) {
  const { agreement, noiseSettings, seeds } = folder;
  const { tau, tauOverall, orderings, fitted } = agreement;
  // Columns of noise that the paper has not have nothing to agree with.
  const columns = noiseSettings.flatMap((setting, i) =>
    orderings.some(({ differences }) => differences[i]) ? [{ ...setting, i }] : [],
  );
  const alike = fitted.flatMap(({ alike }) => alike ?? []);
  return (
    <div class="card">
      {named && <h3>{folder.name}</h3>}
      {orderings.length > 0 && (
        <>
          <TableBox
            class="results steps"
            caption="Differences between methods, percentage points of accuracy; all of them are positive in the paper"
          >
            <Columns first="Difference" noiseSettings={columns} last="On average" />
            <tbody>
              {orderings.map(({ title, differences, overall }) => (
                <tr key={title}>
                  <th scope="row">{title}</th>
                  {columns.map(({ label, i }) => (
                    <Step key={label} step={differences[i]!} />
                  ))}
                  <Step step={overall} />
                </tr>
              ))}
              <tr>
                <th scope="row">Order of the methods (tau-b)</th>
                {columns.map(({ label, i }) => (
                  <td key={label}>{tauText(tau[i]!)}</td>
                ))}
                <td>{tauText(tauOverall)}</td>
              </tr>
            </tbody>
          </TableBox>
          <p class="legend">
            In each cell: <b>ours</b>
            {seeds.length > 1
              ? ', ± half of the 95 % interval, paired by seed, shaded where that leaves out zero'
              : ', of one seed, so that nothing tells it from chance'}
            ; below it the paper's. After the last epoch. Kendall's tau-b is 1 where the methods come in the
            paper's order, −1 where they come in the opposite one.
          </p>
        </>
      )}
      {fitted.length > 0 && (
        <>
          <TableBox
            class="results"
            caption="Memorised wrong labels: those that the network predicts after the last epoch, percent of them"
          >
            <Columns noiseSettings={noiseSettings} />
            <tbody>
              {fitted.map(({ title, shares }) => (
                <tr key={title}>
                  <th scope="row">{title}</th>
                  {shares.map((share, i) => (
                    <td key={noiseSettings[i]!.label}>
                      {share === null ? (
                        '–'
                      ) : (
                        <WithHalf text={share.mean.toFixed(1)} half={share.half} digits={1} />
                      )}
                    </td>
                  ))}
                </tr>
              ))}
            </tbody>
          </TableBox>
          {(seeds.length > 1 || alike.length > 0) && (
            <p class="legend">
              {seeds.length > 1 && '± half of the 95 % interval of the mean over seeds. '}
              {alike.join(' ')}
            </p>
          )}
        </>
      )}
      {orderings.length + fitted.length === 0 && <p class="missing">Known once runs have finished.</p>}
      <Downloads folder={folder} named={named} names={['shape.csv']} />
    </div>
  );
}
