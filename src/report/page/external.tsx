// Methods that were scored, not run: their rows, marked, and what is known of them.
import type { ExternalData, FolderData } from '../page_data.js';
import { Step } from './agreement.js';
import { accuracy } from './format.js';
import { TableBox } from './table_box.js';
import { Columns, WithHalf } from './table_parts.js';

/** Rows below those of the project, in a table with a column for each noise setting. */
export function ExternalRows({ folder: { external, noiseSettings, seeds: wanted } }: { folder: FolderData }) {
  return (
    <>
      {external.map(({ name, cells }) => (
        <tr class="external" key={name}>
          <th scope="row">
            {name} <span class="mark">external</span>
          </th>
          {cells.map((cell, i) => (
            <td key={noiseSettings[i]!.label} data-external={noiseSettings[i]!.label}>
              {cell ? (
                <span class="ours">
                  <WithHalf text={accuracy(cell.mean)} half={cell.half} />
                </span>
              ) : (
                <span class="missing">–</span>
              )}
              {cell && cell.seeds < wanted.length && (
                <span class="missing">
                  {cell.seeds} of {wanted.length} seeds
                </span>
              )}
            </td>
          ))}
        </tr>
      ))}
    </>
  );
}

/** Whose the rows are, and how far they are from those of the project. */
export function ExternalSection({ folder: { external, noiseSettings, seeds } }: { folder: FolderData }) {
  if (!external.length) return null;
  const compared = external.flatMap(({ differences }) => differences);
  const isAveraged = compared.some(({ overall }) => overall);
  const memorised = external.filter(({ fitted }) => fitted.some((share) => share !== null));
  return (
    <div class="external-notes">
      <p class="note">
        <b>External</b> rows are scored from predictions that were handed in. labelnoise did not train them,
        and they count in no other figure of this page.
      </p>
      <ul class="notes">
        {external.map((method) => (
          <Origin key={method.name} method={method} />
        ))}
      </ul>
      {compared.length > 0 && (
        <>
          <TableBox
            class="results steps"
            caption="External rows minus rows of the table, percentage points of accuracy"
          >
            <Columns
              first="Difference"
              noiseSettings={noiseSettings}
              {...(isAveraged && { last: 'On average' })}
            />
            <tbody>
              {compared.map(({ title, columns, overall }) => (
                <tr key={title}>
                  <th scope="row">{title}</th>
                  {columns.map((step, i) => (
                    <Step key={noiseSettings[i]!.label} step={step} />
                  ))}
                  {isAveraged && <Step step={overall} />}
                </tr>
              ))}
            </tbody>
          </TableBox>
          <p class="legend">
            {seeds.length > 1 && '± half of the 95 % interval. '}Paired by seed: the same images and wrong
            labels, but not the same initial weights and batches.
          </p>
        </>
      )}
      {memorised.length > 0 && (
        <TableBox class="results" caption="Wrong labels that external methods predict, percent of them">
          <Columns noiseSettings={noiseSettings} />
          <tbody>
            {memorised.map(({ name, fitted }) => (
              <tr key={name}>
                <th scope="row">{name}</th>
                {fitted.map((share, i) => (
                  <td key={noiseSettings[i]!.label}>{share === null ? '–' : share.toFixed(1)}</td>
                ))}
              </tr>
            ))}
          </tbody>
        </TableBox>
      )}
    </div>
  );
}

function Origin({ method: { name, by, link } }: { method: ExternalData }) {
  return (
    <li>
      {name}
      {by && `, by ${by}`}
      {link && (
        <>
          {', '}
          <a href={link} rel="noopener noreferrer nofollow">
            {link}
          </a>
        </>
      )}
    </li>
  );
}
