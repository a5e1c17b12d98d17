// `make trajectory-test`: the first steps of the suite `check`, by the sound product with SEEDS seeds and by a product broken in ten ways,
// here and as other machines would compute: no sound one may differ, every broken one must.
import path from 'node:path';
import { table } from 'table';
import { PROJECT_ROOT } from '../src/io/project.js';
import { QUANTITIES } from '../src/regression/trajectory.js';
import { copyProduct, MUTATIONS, mutate, ROUGH } from './support/mutations.js';
import { temporaryFolder } from './support/temporary_folder.js';
import { type Compared, compared, foreignSettings, HOME, take, takeBy } from './support/trajectories.js';

const tell = (line: string) => process.stdout.write(`${line}\n`);
const suite = path.join(PROJECT_ROOT, 'suites', 'check.json');
const folder = await temporaryFolder();

/** A product that is changed. @returns its folder */
async function changed(mutation: Parameters<typeof mutate>[1]): Promise<string> {
  const root = path.join(folder, mutation.name);
  await copyProduct(root);
  await mutate(root, mutation);
  return root;
}

const settings = [HOME, ...foreignSettings()];
const alarms: string[] = [];

/** Of each quantity that has a tolerance, the largest deviation as a share of it. */
function shares(found: Compared[]): string[] {
  return Object.entries(QUANTITIES).flatMap(([name, { tolerance }]) => {
    if (!tolerance) return [];
    const largest = Math.max(
      ...found.map(({ deviations }) => deviations[name as keyof typeof QUANTITIES] ?? 0),
    );
    return [`${((100 * largest) / tolerance).toFixed(1)} %`];
  });
}

/** A row for the sound product; none of its trajectories may differ. */
function soundRow(name: string, found: Compared[]): string[] {
  const differing = found.filter(({ same }) => !same);
  alarms.push(...differing.map(({ method, seed, reason }) => `${name}: ${method}, seed ${seed}: ${reason}`));
  return [name, `${differing.length} of ${found.length}`, ...shares(found)];
}

const seeds = Array.from({ length: Number(process.env.SEEDS || 100) }, (_, i) => i + 1);
tell(`trajectories of the sound product, ${seeds.length} seeds ...`);
const taken = await take(PROJECT_ROOT, suite, HOME, seeds);
const soundRows: string[][] = [];
for (const setting of settings)
  soundRows.push(
    soundRow(setting.name, compared(taken, await take(PROJECT_ROOT, suite, setting, seeds, taken))),
  );
const rough = await take(await changed(ROUGH), suite, HOME, seeds, taken);
soundRows.push(soundRow(ROUGH.name, compared(taken, rough)));
const tolerated = Object.entries(QUANTITIES).flatMap(([name, { tolerance }]) => (tolerance ? [name] : []));
tell(table([['Sound product', 'Differ', ...tolerated], ...soundRows]).trimEnd());
tell('in the columns: the largest deviation, as a share of what is allowed');

const one = taken.filter(({ seed }) => seed === 1);
const broken = await Promise.all(
  MUTATIONS.map(async (mutation) => ({ root: await changed(mutation), method: mutation.method })),
);
const found: boolean[][] = MUTATIONS.map(() => []);
for (const setting of settings) {
  tell(`trajectories of broken products: ${setting.name} ...`);
  for (const [i, taken] of (await takeBy(broken, suite, setting, [1], one)).entries())
    found[i]!.push(compared(one, taken).some(({ same }) => !same));
}
const everywhere = found.filter((row) => row.every(Boolean)).length;
const trajectoryRows = MUTATIONS.map(({ name, method }, i) => [
  name,
  method,
  ...found[i]!.map((isFound) => (isFound ? 'found' : 'MISSED')),
]);
tell(
  table([
    ['Mutation, by trajectory', 'Method', ...settings.map(({ name }) => name)],
    ...trajectoryRows,
  ]).trimEnd(),
);
tell(
  `by trajectory: ${everywhere} of ${MUTATIONS.length} mutations are found in all ${settings.length} settings; ${alarms.length} false alarms in ${soundRows.length * taken.length} trajectories${alarms.map((line) => `\n  ${line}`).join('')}`,
);
if (everywhere < MUTATIONS.length || alarms.length) process.exitCode = 1;
