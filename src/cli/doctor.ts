// `labelnoise doctor`: what is installed, what the machine can do, what is missing and how to mend it.
import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync, statfsSync } from 'node:fs';
import { availableParallelism, cpus } from 'node:os';
import path from 'node:path';
import type { Command } from 'commander';
import picocolors from 'picocolors';
import prettyBytes from 'pretty-bytes';
import { cacheStatus } from '../data/datasets/cifar10.js';
import {
  bfloat16Support,
  chosenInstructionSet,
  instructionSets,
  isHeldFromBfloat16,
  oneDnnSetting,
} from '../engine/native/instruction_set.js';
import { nodeVersionProblem } from '../install/node_version.js';
import { type EngineFacts, probeEngine } from '../install/probe.js';
import { folderBytes } from '../install/sealed_folder.js';
import { cacheFolder } from '../io/cache.js';
import { explained } from '../io/files.js';
import { makeFolder, unmakeFolders } from '../io/paths.js';
import { TO_FETCH, TO_INSTALL } from '../io/project.js';
import { InputError } from '../spec/errors.js';
import { emulatesBfloat16 } from '../training/precision.js';
import { tell } from './tell.js';

/** One thing looked at. */
export interface Finding {
  what: string;
  found: string;
  /** What to do about it; set only where training cannot start as things are. */
  mend?: string;
}

const HELP = `
Exit code 0: training could start now. 1: something is missing, and the last lines say what to do.`;

export function register(program: Command): void {
  program
    .command('doctor')
    .description('say what is installed, what this machine can do and what is missing')
    .addHelpText('after', HELP)
    .action(async () => {
      const findings = await examine(tell);
      process.stdout.write(reportOf(findings));
      if (findings.some(({ mend }) => mend)) process.exitCode = 1;
    });
}

/** Looks at everything a run needs; changes and fetches nothing. @param say is told what takes a while */
export async function examine(say: (line: string) => void): Promise<Finding[]> {
  const problem = nodeVersionProblem(process.versions.node);
  const node: Finding = { what: 'Node', found: process.versions.node, ...(problem && { mend: problem }) };
  say('starting TensorFlow');
  const engine = await engineFindings();
  say('verifying CIFAR-10');
  const inCache = [...engine, ...machineFindings(), await dataFinding()];
  return [
    node,
    ...(inCache.some(({ mend }) => mend) ? cacheFindings() : []),
    ...inCache,
    ...(await diskFindings()),
  ];
}

/** The findings as text: one line each, then what to do. */
export function reportOf(findings: Finding[]): string {
  const width = Math.max(...findings.map(({ what }) => what.length));
  const lines = findings.map(({ what, found, mend }) => {
    const mark = mend ? picocolors.red('missing') : picocolors.green('     ok');
    return `${mark}  ${what.padEnd(width)}  ${found}`;
  });
  const mends = findings.flatMap(({ what, mend }) => (mend ? [`To mend ${what}: ${mend}`] : []));
  return `${[...lines, '', ...(mends.length > 0 ? mends : ['Training can start.'])].join('\n')}\n`;
}

async function engineFindings(): Promise<Finding[]> {
  let facts: EngineFacts;
  try {
    facts = await probeEngine();
  } catch (error) {
    return [
      {
        what: 'TensorFlow',
        found: `does not load (${(error as Error).message})`,
        mend: TO_INSTALL,
      },
    ];
  }
  const oneDnn = facts.oneDnn ? `on, version ${facts.oneDnnVersion} (${facts.oneDnnIsa})` : 'off';
  return [
    { what: 'TensorFlow.js', found: facts.tfjs },
    { what: 'TensorFlow', found: facts.tensorflow },
    { what: 'oneDNN', found: `${oneDnn}; ${oneDnnSetting().why}` },
    {
      what: 'Native kernels',
      found: facts.native.inUse ? `used, for ${facts.native.isa}` : `not used: ${facts.native.why}`,
    },
    {
      what: 'Threads',
      found: `${facts.intraOpThreads} within an operation, ${facts.interOpThreads} across operations`,
    },
    { what: 'GPU', found: gpus(facts.usesGpu) },
  ];
}

function gpus(used: boolean): string {
  const { status, stdout } = spawnSync('nvidia-smi', ['-L'], { encoding: 'utf8' });
  if (status !== 0) return 'none';
  const names = stdout
    .trim()
    .split('\n')
    .map((line) => line.replace(/ \(UUID.*/, ''));
  const use = used ? 'used' : `not used by this TensorFlow; LABELNOISE_DEVICE=gpu ${TO_INSTALL}`;
  return `${names.join(', ')} (${use})`;
}

function machineFindings(): Finding[] {
  const support = bfloat16Support();
  const idle = emulatesBfloat16()
    ? 'without oneDNN'
    : isHeldFromBfloat16() && 'in the instruction set that oneDNN is held to';
  return [
    { what: 'CPU', found: `${cpus()[0]?.model.trim() ?? 'unknown'}, ${availableParallelism()} usable cores` },
    { what: 'Instruction set', found: instructionSetFound() },
    { what: 'bfloat16', found: support === 'native' && idle ? `native, and not used ${idle}` : support },
  ];
}

function instructionSetFound(): string {
  const available = instructionSets();
  if (available.length === 0) return 'none of those that kernels are built for';
  const chosen = chosenInstructionSet(available);
  return chosen === available.at(-1)
    ? chosen!
    : `${chosen}, as LABELNOISE_ISA says, of ${available.join(', ')}`;
}

/** Where something is missing: whether it can be put there at all. */
function cacheFindings(): Finding[] {
  const folder = cacheFolder();
  try {
    unmakeFolders(makeFolder(folder));
    if (existsSync(folder)) accessSync(folder, constants.W_OK | constants.X_OK);
    return [];
  } catch (error) {
    const found = (explained(error, `${folder} cannot be used`) as Error).message;
    return [
      {
        what: 'Cache',
        found,
        mend: 'name a folder that can be written to in LABELNOISE_CACHE, before all else',
      },
    ];
  }
}

async function dataFinding(): Promise<Finding> {
  let status: Awaited<ReturnType<typeof cacheStatus>>;
  try {
    status = await cacheStatus();
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    return { what: 'CIFAR-10', found: error.message, mend: `remove what is in its place, then ${TO_FETCH}` };
  }
  const { folder, files } = status;
  const wrong = files.filter(({ state }) => state !== 'ok');
  if (wrong.length === 0) return { what: 'CIFAR-10', found: `${files.length} files verified: ${folder}` };
  const states = wrong.map(({ name, state }) => `${name} ${state}`).join(', ');
  const found = wrong.every(({ state }) => state === 'missing') && wrong.length === files.length;
  return { what: 'CIFAR-10', found: `${found ? 'not there' : states}: ${folder}`, mend: TO_FETCH };
}

async function diskFindings(): Promise<Finding[]> {
  const libraries = cacheFolder('tensorflow');
  const bytes = await folderBytes(libraries).catch(() => undefined);
  const held = bytes === undefined ? 'nothing' : prettyBytes(bytes);
  let folder = path.resolve(cacheFolder());
  while (!existsSync(folder)) folder = path.dirname(folder);
  const { bavail, bsize } = statfsSync(folder);
  return [
    { what: 'TensorFlow cache', found: `${held}: ${libraries}` },
    { what: 'Disk', found: `${prettyBytes(bavail * bsize)} free for the cache` },
  ];
}
