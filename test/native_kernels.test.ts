// The native kernels' C++: without a warning, and right by its own tests under sanitizers, for each instruction set.
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import { TFJS_FOLDER } from '../src/engine/install/tfjs_package.js';
import { compilerFlags, NATIVE_SOURCES } from '../src/engine/native/folder.js';
import { type InstructionSet, instructionSets } from '../src/engine/native/instruction_set.js';

const COMPILER = process.env.CXX ?? 'g++';
/** GCC takes its own header of AVX-512 to use what is not initialised (its bug 105593). */
const WARNINGS = ['-Wall', '-Wextra', '-Werror', '-Wno-maybe-uninitialized'];
/** Optimised a little, or each intrinsic is a call; sanitizers need no more. */
const SANITIZERS = ['-O1', '-g', '-fsanitize=address,undefined', '-fno-sanitize-recover=all'];
const KERNELS = ['winograd.cpp', 'batch_norm.cpp', 'elementwise.cpp', 'weight_vectors.cpp', 'pool.cpp'];

async function compile(args: string[]): Promise<void> {
  const child = spawn(COMPILER, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  const code = await new Promise((resolve, reject) => child.on('error', reject).on('close', resolve));
  expect(code, said.slice(0, 2000)).to.equal(0);
}

describe("the native kernels' C++", function () {
  this.timeout(600_000);
  let folder: string;
  before(function () {
    // The kernels are for x86-64, and nothing else compiles their flags.
    if (process.arch !== 'x64') this.skip();
    folder = mkdtempSync(path.join(tmpdir(), 'labelnoise-kernels-'));
  });
  after(() => {
    if (folder) rmSync(folder, { recursive: true });
  });

  for (const set of ['avx2', 'avx512', 'amx'] as InstructionSet[])
    it(`compiles for ${set} without a warning`, async () => {
      const headers = ['-isystem', path.join(TFJS_FOLDER, 'deps', 'include')];
      for (const { source, flags } of compilerFlags(set))
        await compile([
          ...flags,
          ...WARNINGS,
          ...headers,
          '-fsyntax-only',
          path.join(NATIVE_SOURCES, source),
        ]);
    });

  for (const set of instructionSets())
    it(`computes for ${set} what float64 does, and nothing that sanitizers find`, async () => {
      const program = path.join(folder, set);
      const { flags } = compilerFlags(set).find(({ source }) => source === 'winograd.cpp')!;
      const sources = [...KERNELS, path.join('test', 'kernels_test.cpp')];
      const objects = sources.map((source) => path.join(folder, `${set}-${path.parse(source).name}.o`));
      await Promise.all(
        sources.map((source, i) =>
          compile([
            ...flags,
            ...WARNINGS,
            ...SANITIZERS,
            '-c',
            path.join(NATIVE_SOURCES, source),
            '-o',
            objects[i]!,
          ]),
        ),
      );
      await compile([...SANITIZERS, '-pthread', ...objects, '-o', program]);
      const { status, stdout, stderr } = spawnSync(program, { encoding: 'utf8' });
      expect(status, stdout.slice(-2000) + stderr.slice(0, 4000)).to.equal(0);
      expect(stdout).to.match(/^\d{3,} checks passed, 0 failed\n$/);
    });
});
