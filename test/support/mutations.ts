// Ways to break the product on purpose, as changes of its compiled code, to see that checks notice.
import { spawn } from 'node:child_process';
import { copyFile, link, mkdir, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { PROJECT_ROOT } from '../../src/io/project.js';

export interface Mutation {
  name: string;
  /** The compiled file, below dist/src. */
  file: string;
  /** Texts and what replaces them; each must be there exactly once. */
  replace: [from: string, to: string][];
  /** A method whose results it must change. */
  method: string;
}

const AT_NOISE = 'noisyLabels(spec, train, ';
const SECOND_PASS = 'objective(weights.map((w, k) => ascend(w, first.gradients[k], rho)))';

export const MUTATIONS: readonly Mutation[] = [
  {
    name: 'rho ignored',
    file: 'methods/sam.js',
    replace: [[SECOND_PASS, 'objective(weights)']],
    method: 'sam',
  },
  {
    name: 'lambda not mixed into the labels',
    file: 'methods/mixup.js',
    replace: [['targets: mixed(batch.targets, inputs.lambda),', '']],
    method: 'mixup',
  },
  {
    name: "teacher's labels not used",
    file: 'execution/prepare.js',
    replace: [['teacher ? decodeLabels(teacher.predictions, classes) : noisy', 'noisy']],
    method: 'bootstrap-sam',
  },
  {
    name: 'batch-norm statistics from the second pass',
    file: 'methods/sam.js',
    replace: [
      ['const { gradients } = ', 'const { gradients, statistics } = '],
      ['{ ...first, gradients }', '{ ...first, gradients, statistics }'],
    ],
    method: 'sam',
  },
  {
    name: 'noise seeded by method',
    file: 'execution/prepare.js',
    replace: [
      [
        AT_NOISE,
        AT_NOISE.replace(
          'spec',
          "{ ...spec, seed: spec.seed + 1000 * Number(spec.batch.kind === 'mixup') + 2000 * Number(spec.gradient.kind === 'sam') }",
        ),
      ],
    ],
    method: 'sam',
  },
  {
    name: 'no clipping',
    file: 'training/training_program.js',
    replace: [['clippingFactor(gradient, spec.clipNorm)', 'tf.scalar(1)']],
    method: 'sgd',
  },
  {
    name: 'momentum not Nesterov',
    file: 'engine/weight_vectors.js',
    replace: [
      ['natively(operands, (native, values) => native.nesterovDescent(values))', 'undefined'],
      ['tf.add(descent, tf.mul(newMomentum, momentumFactor))', 'newMomentum'],
    ],
    method: 'sgd',
  },
  {
    name: "L2 outside of SAM's first gradient",
    file: 'methods/sam.js',
    replace: [
      [
        SECOND_PASS,
        SECOND_PASS.replace('first.gradients[k]', 'tf.sub(first.gradients[k], tf.mul(w, 0.0005))'),
      ],
    ],
    method: 'sam',
  },
  {
    name: 'learning rate constant',
    file: 'methods/method.js',
    replace: [['0.5 * base * (1 + Math.cos((Math.PI * step) / steps))', 'base']],
    method: 'sgd',
  },
  {
    name: 'the same flips and crops in every epoch',
    file: 'training/train.js',
    replace: [["stream(spec.seed, 'augment', epoch)", "stream(spec.seed, 'augment')"]],
    method: 'sgd',
  },
];

/**
 * Not a mistake but rounding, far coarser than any machine's: the operands of all convolutions keep 13 of their 24 bits, so that
 * each is off by up to 1.2e-4. No trajectory may differ for that.
 */
export const ROUGH: Omit<Mutation, 'method'> = {
  name: 'convolutions of operands with 13 bits',
  file: 'models/network.js',
  replace: [
    [
      "tf.conv2d(x, weights[name], stride, 'same')",
      "((rough) => tf.conv2d(rough(x), rough(weights[name]), stride, 'same'))((v) => { const high = tf.mul(v, 2049); return tf.sub(high, tf.sub(high, v)); })",
    ],
  ],
};

/** The product in a folder of its own, with compiled code that can be changed. @param root a folder to be made */
export async function copyProduct(root: string): Promise<void> {
  const compiled = path.join('dist', 'src');
  await mkdir(path.join(root, 'dist'), { recursive: true });
  // Without .git, so that no commit is named that is not what runs.
  for (const folder of ['.', 'dist'])
    for (const name of await readdir(path.join(PROJECT_ROOT, folder))) {
      const entry = path.join(folder, name);
      if (['.git', 'dist', compiled].includes(entry)) continue;
      await symlink(path.join(PROJECT_ROOT, entry), path.join(root, entry));
    }
  // What runs, and not the types and maps beside it. Files are linked where they can be: to make hundreds takes longer than to run them.
  for (const name of await readdir(path.join(PROJECT_ROOT, compiled), { recursive: true })) {
    if (!name.endsWith('.js')) continue;
    const [from, to] = [PROJECT_ROOT, root].map((at) => path.join(at, compiled, name)) as [string, string];
    await mkdir(path.dirname(to), { recursive: true });
    await link(from, to).catch(() => copyFile(from, to));
  }
}

/** Breaks a copy of the product. @returns what mends it @throws Error if a text to be replaced is not there exactly once */
export async function mutate(
  root: string,
  { name, file, replace }: Pick<Mutation, 'name' | 'file' | 'replace'>,
): Promise<() => Promise<void>> {
  const compiled = path.join(root, 'dist', 'src', file);
  const sound = await readFile(compiled, 'utf8');
  let text = sound;
  for (const [from, to] of replace) {
    const found = text.split(from).length - 1;
    if (found !== 1)
      throw new Error(`mutation "${name}": ${file} has ${JSON.stringify(from)} ${found} times, not once`);
    text = text.replace(from, () => to);
  }
  // It may be a link to the product's own.
  await rm(compiled);
  await writeFile(compiled, text);
  return () => writeFile(compiled, sound);
}

/** Runs a suite with a copy of the product. @returns what it says if a run failed @throws Error if it ends otherwise */
export async function runCopy(root: string, ...args: string[]): Promise<string | undefined> {
  const main = path.join(root, 'dist', 'src', 'cli', 'main.js');
  const child = spawn(process.execPath, [main, 'run', ...args], { stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', resolve);
  });
  if (code !== 0 && code !== 1) throw new Error(`ended with exit code ${code}: ${said}`);
  return code ? said : undefined;
}
