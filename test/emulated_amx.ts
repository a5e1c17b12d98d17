// `make emulated-amx-test`: tests of what trains, by a copy of the product that takes this processor for one with AMX and emulates its tiles.
import { spawnSync } from 'node:child_process';
import { cp, rm } from 'node:fs/promises';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { NATIVE_SOURCES } from '../src/engine/native/folder.js';
import { bfloat16Support, instructionSets } from '../src/engine/native/instruction_set.js';
import { PROJECT_ROOT, TFJS_FOLDER } from '../src/io/project.js';
import { copyProduct, mutate } from './support/mutations.js';
import { temporaryFolder } from './support/temporary_folder.js';

/** Kernels in steps, steps by the eager engine's, what goes on where it was stopped, and whole suites. */
const TESTS = ['native', 'engine', 'checkpoint', 'smoke'];
const TILES = path.join(NATIVE_SOURCES, 'test', 'emulated_tiles.h');

/** Runs Node in a folder. @returns whether it ended well */
function ran(folder: string, ...args: string[]): boolean {
  const { status, error } = spawnSync(process.execPath, args, { cwd: folder, stdio: 'inherit' });
  if (error) throw error;
  return status === 0;
}

/** Makes the copy in a folder, builds its kernels and runs the tests. @returns whether they passed */
async function test(root: string): Promise<boolean> {
  await copyProduct(root);
  // Tests find the product that they are beside.
  const tests = path.join('dist', 'test');
  await rm(path.join(root, tests));
  await cp(path.join(PROJECT_ROOT, tests), path.join(root, tests), { recursive: true });
  await mutate(root, {
    name: 'AMX is there',
    file: 'engine/native/instruction_set.js',
    replace: [['exec(cpuinfo)?.[1];', "exec(cpuinfo)?.[1] + ' amx_tile amx_bf16';"]],
  });
  const last = "'-mamx-bf16'";
  await mutate(root, {
    name: 'tiles are emulated',
    file: 'engine/native/folder.js',
    replace: [[`${last}]`, `${last}, '-include', ${JSON.stringify(TILES)}]`]],
  });
  const { nativeFolder } = (await import(
    pathToFileURL(path.join(root, 'dist', 'src', 'engine', 'native', 'folder.js')).href
  )) as typeof import('../src/engine/native/folder.js');
  const mocha = path.join('node_modules', 'mocha', 'bin', 'mocha.js');
  const files = TESTS.map((name) => path.join(tests, `${name}.test.js`));
  const reporter = path.join(tests, 'support', 'reporter.js');
  try {
    return (
      ran(root, path.join('dist', 'src', 'cli', 'install.js')) &&
      ran(root, mocha, '--parallel', '--jobs', '3', '--reporter', reporter, ...files)
    );
  } finally {
    await rm(nativeFolder(path.join(TFJS_FOLDER, 'deps'), 'amx').cached, { recursive: true, force: true });
  }
}

if (instructionSets().at(-1) !== 'avx512' || bfloat16Support() !== 'native')
  console.log(
    'This processor has AMX itself, or lacks AVX512_BF16, which kernels for AMX need beside it: nothing to test.',
  );
else if (!(await test(path.join(await temporaryFolder(), 'copy')))) process.exitCode = 1;
