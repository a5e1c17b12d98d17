// The lines under a table about rows that were scored, not run: whose they are, and how far they are from ours.
import { methodTitle } from '../methods/catalogue.js';
import { noiseSettingTitle } from '../suite/noise_setting.js';
import { differenceText } from './agreement.js';
import type { Report } from './report.js';

/** What external rows are, for all tables. */
export const EXTERNAL_NOTE =
  'External rows are scored from predictions that were handed in: labelnoise did not train them, the network and settings named here are not theirs, and they count in no other figure.';
export const PAIRED_NOTE =
  'Paired by seed: the same images and wrong labels, but not the same initial weights and batches.';

/** Lines without markup; indented ones belong to the one above. None without external rows. */
export function externalNotes({ graph, external }: Report): string[] {
  if (!external.length) return [];
  const { noiseSettings } = graph;
  const lines = external.flatMap(({ title, by, link, fitted, differences }) => {
    const known = fitted.flatMap((share, i) =>
      share === null ? [] : [`${noiseSettingTitle(noiseSettings[i]!)} ${share.toFixed(1)}`],
    );
    return [
      `  ${[title, by && `by ${by}`, link].filter(Boolean).join(', ')}${known.length ? `; memorised wrong labels, percent of them: ${known.join(', ')}` : ''}`,
      ...differences.map(({ minus, columns, overall }) => {
        const found = columns.flatMap((difference, i) =>
          difference ? [`${noiseSettingTitle(noiseSettings[i]!)} ${differenceText(difference)}`] : [],
        );
        const all = overall ? `; on average ${differenceText(overall)}` : '';
        return `  ${title} - ${methodTitle(minus)}: ${found.join(', ')}${all}`;
      }),
    ];
  });
  const paired = external.some(({ differences }) => differences.length) ? ` ${PAIRED_NOTE}` : '';
  return [`${EXTERNAL_NOTE}${paired}`, ...lines];
}
