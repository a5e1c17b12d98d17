// The native kernels' C++: without a warning, and right by its own tests, for each instruction set; with SANITIZED=1 under sanitizers,
// which takes three times as long (`make sanitizer-test`).
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { expect } from 'chai';
import { compilerFlags, NATIVE_SOURCES } from '../src/engine/native/folder.js';
import {
  bfloat16Support,
  type InstructionSet,
  instructionSets,
} from '../src/engine/native/instruction_set.js';
import { TFJS_FOLDER } from '../src/io/project.js';

const COMPILER = process.env.CXX ?? 'g++';
/** GCC takes its own header of AVX-512 to use what is not initialised (its bug 105593). */
const WARNINGS = ['-Wall', '-Wextra', '-Werror', '-Wno-maybe-uninitialized', '-Wno-uninitialized'];
const isSanitized = process.env.SANITIZED === '1';
/** A little, or each intrinsic is a call; sanitizers need no more, and of symbols the lines alone. */
const OPTIMISED = ['-O1', ...(isSanitized ? ['-g1'] : [])];
const KERNELS = [
  ...OPTIMISED,
  ...(isSanitized ? ['-fsanitize=address,undefined', '-fno-sanitize-recover=all'] : []),
];
/** The plain loops in float64 that kernels are compared with, which are the same for all sets but that they call the tiles' kernels or not. */
const REFERENCE = path.join(NATIVE_SOURCES, 'test', 'kernels_test.cpp');
/** What is no kernel, and would need TensorFlow. */
const BOUNDARY = ['addon.cpp', 'operations.cpp'];
/** What uses AMX's tiles, which are emulated below on processors without. */
const TILES = ['convolution.cpp', 'filter_gradient.cpp'];

const kernelsOf = (set: InstructionSet) =>
  compilerFlags(set).filter(({ source }) => !BOUNDARY.includes(source));

const run = promisify(execFile);
/** @throws Error with what the compiler says, if there is a warning even */
const compile = (args: string[]) => run(COMPILER, args);

describe("the native kernels' C++", function () {
  this.timeout(600_000);
  let folder: string;
  const references = new Map<boolean, Promise<string>>();
  before(function () {
    if (process.arch !== 'x64') {
      console.log('      the kernels are compiled for x86-64 only: not tested');
      this.skip();
    }
    folder = mkdtempSync(path.join(tmpdir(), 'labelnoise-kernels-'));
  });
  after(() => {
    if (folder) rmSync(folder, { recursive: true });
  });

  const compileReference = async (set: InstructionSet, extra: string[]): Promise<string> => {
    const object = path.join(folder, `${set}-reference.o`);
    await compile([
      ...kernelsOf(set)[0]!.flags,
      ...WARNINGS,
      ...extra,
      ...OPTIMISED,
      '-c',
      REFERENCE,
      '-o',
      object,
    ]);
    return object;
  };
  const referenceFor = (set: InstructionSet, extra: string[]): Promise<string> => {
    const hasTiles = set === 'amx';
    if (!references.has(hasTiles))
      references.set(hasTiles, hasTiles ? compileReference(set, extra) : compileReference('avx2', []));
    return references.get(hasTiles)!;
  };

  // Tiles are emulated where the processor has all that the kernels for AMX need but these.
  const available = instructionSets();
  const emulates = available.at(-1) === 'avx512' && bfloat16Support() === 'native';
  const tested: [set: InstructionSet, how: string, extra: string[]][] = available.map((set) => [set, '', []]);
  if (emulates)
    tested.push(['amx', ', emulated,', ['-include', path.join(NATIVE_SOURCES, 'test', 'emulated_tiles.h')]]);
  // In the width that the source has for any other processor.
  tested.push(['avx2', ', but without its vectors,', ['-mno-avx', '-mno-avx2', '-mno-fma']]);

  for (const set of ['avx2', 'avx512', 'amx'] as InstructionSet[])
    it(`compiles for ${set} without a warning`, async () => {
      const headers = ['-isystem', path.join(TFJS_FOLDER, 'deps', 'include')];
      // The others are compiled below, with the same warnings.
      const isTested = tested.some(([other]) => other === set);
      for (const { source, flags } of compilerFlags(set))
        if (BOUNDARY.includes(source) || (emulates && TILES.includes(source)) || !isTested)
          await compile([
            ...flags,
            ...WARNINGS,
            ...headers,
            '-fsyntax-only',
            path.join(NATIVE_SOURCES, source),
          ]);
    });

  const build = async (i: number): Promise<string> => {
    const [set, , extra] = tested[i]!;
    const kernels = kernelsOf(set);
    const flags = [...kernels[0]!.flags, ...WARNINGS, ...extra];
    const name = path.join(folder, `${i}-${set}`);
    // In one unit, as each would read the compiler's own headers anew, which takes as long as some of them.
    const unit = `${name}.cpp`;
    writeFileSync(
      unit,
      kernels.map(({ source }) => `#include "${path.join(NATIVE_SOURCES, source)}"\n`).join(''),
    );
    const object = `${name}-kernels.o`;
    const [reference] = await Promise.all([
      referenceFor(set, extra),
      compile([...flags, '-Wno-subobject-linkage', ...KERNELS, '-c', unit, '-o', object]),
    ]);
    // Last, as a function of a header that both have is taken from what is linked first.
    await compile([...KERNELS, '-pthread', object, reference, '-o', name]);
    return name;
  };
  const built: Promise<string>[] = [];
  /** While one's tests run, the next is compiled. */
  const begin = (i: number): void => {
    if (i >= tested.length) return;
    built[i] ??= build(i);
    // Its own test says it.
    built[i]!.catch(() => {});
  };

  for (const [i, [set, how]] of tested.entries())
    it(`computes for ${set}${how} what float64 does${isSanitized ? ', and nothing that sanitizers find' : ''}`, async () => {
      begin(i);
      const program = await built[i]!;
      begin(i + 1);
      const { code, stdout, stderr } = await run(program).then(
        (said) => ({ code: 0, ...said }),
        (error: { code: number | null; stdout: string; stderr: string }) => error,
      );
      expect(code, stdout.slice(-2000) + stderr.slice(0, 4000)).to.equal(0);
      expect(stdout).to.match(/^\d{3,} checks passed, 0 failed\n$/);
    });
});
