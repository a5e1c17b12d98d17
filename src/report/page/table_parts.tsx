// What several tables have: the shade of a difference, and the head with a column for each noise setting.
import type { MethodDifference, NoiseSettingData } from '../page_data.js';
import { points, withHalf } from './format.js';

/** Differences are shaded in full from here on, in percentage points. */
const FULL_SHADE = 40;

/** The shade of a difference, -1 to 1; roots tell small ones apart. */
const shade = (difference: number) =>
  Math.sign(difference) * Math.min(1, Math.sqrt(Math.abs(difference) / FULL_SHADE));

/** @param clear false: it is not shaded, as chance may have made it */
export function Difference({
  value,
  text,
  half = null,
  clear = true,
}: {
  value: number;
  text: string;
  half?: number | null;
  clear?: boolean;
}) {
  const strength = clear ? shade(value) : 0;
  const colour = strength < 0 ? 'var(--below)' : 'var(--above)';
  const background = `color-mix(in srgb, ${colour} ${Math.round(Math.abs(strength) * 42)}%, transparent)`;
  return (
    <span class="difference" style={{ background }}>
      <WithHalf text={text} half={half} />
    </span>
  );
}

/** `84.21 ± 0.30`, on a phone in two lines. */
export function WithHalf({ text, half, digits }: { text: string; half: number | null; digits?: number }) {
  if (half === null) return <>{text}</>;
  return (
    <>
      {text}
      <span class="half"> {withHalf('', half, digits).trim()}</span>
    </>
  );
}

/** A difference with half of its interval, shaded where that leaves out zero. */
export function Paired({ of: { difference, half } }: { of: MethodDifference }) {
  const clear = half !== null && Math.abs(difference) > half;
  return <Difference value={difference} text={points(difference)} half={half} clear={clear} />;
}

/** The head of a table with a column for each noise setting, and one more if it is named. */
export function Columns({
  first = 'Method',
  noiseSettings,
  last,
  sorted,
}: {
  first?: string;
  noiseSettings: readonly NoiseSettingData[];
  last?: string;
  /** The noise setting whose highest numbers are above. */
  sorted?: string;
}) {
  return (
    <thead>
      <tr>
        <th scope="col">{first}</th>
        {noiseSettings.map(({ label, title }) => (
          <th scope="col" key={label} aria-sort={label === sorted ? 'descending' : undefined}>
            {title}
          </th>
        ))}
        {last && <th scope="col">{last}</th>}
      </tr>
    </thead>
  );
}
