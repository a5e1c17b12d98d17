// Makes TensorFlow usable from Node: the library from the first source that works, the addon built on it, both cached.
import { spawnSync } from 'node:child_process';
import { constants, statfsSync } from 'node:fs';
import { access, cp, mkdir, rm } from 'node:fs/promises';
import path from 'node:path';
import prettyBytes from 'pretty-bytes';
import { cacheFolder } from '../io/cache.js';
import { downloadsFolder, isOffline } from '../io/download.js';
import { makeFolder } from '../io/paths.js';
import { TFJS_FOLDER } from '../io/project.js';
import { InputError } from '../spec/errors.js';
import { buildAddon } from './addon.js';
import { requireTools } from './command.js';
import { installNativeKernels } from './native_kernels.js';
import { probeEngine } from './probe.js';
import { fileSizes, folderBytes, isSealed, publish, publishLink, withWorkFolder } from './sealed_folder.js';
import type { Device, LibrarySource } from './source.js';
import { tfjsDownloadSource } from './tfjs_download.js';
import { tfjsPackage } from './tfjs_package.js';
import { wheelSource } from './wheel.js';

/** Best first. */
const SOURCES: LibrarySource[] = [wheelSource, tfjsDownloadSource];

const DEPS = path.join(TFJS_FOLDER, 'deps');
const LIB = path.join(TFJS_FOLDER, 'lib');

/** TensorFlow of one version for one device: what its sealed folders are called, here and in the cache. */
function describe(source: LibrarySource, device: Device) {
  const { version, napi } = tfjsPackage();
  const machine = `${process.platform}-${process.arch}`;
  const libraries = `${source.version}-${device}`;
  const addon = `tfjs-${version}-napi-v${napi}`;
  const cached = path.resolve(cacheFolder('tensorflow', `${libraries}-${machine}`));
  return {
    napi,
    libraries: { content: `TensorFlow ${libraries} ${machine}`, cached },
    addon: { content: `${addon} TensorFlow ${libraries} ${machine}`, cached: `${cached}-${addon}` },
  };
}

function isInstalled(source: LibrarySource, device: Device): boolean {
  const { libraries, addon } = describe(source, device);
  return isSealed(DEPS, libraries.content) && isSealed(LIB, addon.content);
}

/**
 * Whether the engine is in place, complete, for the device asked for (any, if none is asked for). Fast; loads nothing.
 *
 * @throws InputError if LABELNOISE_DEVICE is neither cpu nor gpu, or npm has not installed TensorFlow.js
 */
export function isEngineInstalled(): boolean {
  const asked = askedDevice();
  const devices: Device[] = asked ? [asked] : ['cpu', 'gpu'];
  return SOURCES.some((source) => devices.some((device) => isInstalled(source, device)));
}

function askedDevice(): Device | undefined {
  const asked = process.env.LABELNOISE_DEVICE;
  if (!asked) return undefined;
  if (asked === 'cpu' || asked === 'gpu') return asked;
  throw new InputError(`LABELNOISE_DEVICE is "${asked}"; it must be cpu or gpu`);
}

/**
 * Installs the engine; does nothing if it is there.
 *
 * @param say gets one line per step
 * @param signal stops it, leaving nothing half-done
 * @throws InputError if it cannot be done, saying in one line what to mend
 */
export async function installEngine(say: (line: string) => void, signal: AbortSignal): Promise<void> {
  if (!isEngineInstalled()) await installTensorFlow(say, signal);
  await installNativeKernels(say, signal);
}

async function installTensorFlow(say: (line: string) => void, signal: AbortSignal): Promise<void> {
  const device = askedDevice() ?? 'cpu';
  if (device === 'gpu') {
    if (spawnSync('nvidia-smi', ['-L']).status !== 0) {
      throw new InputError(
        'LABELNOISE_DEVICE is "gpu", but no NVIDIA GPU was found (nvidia-smi -L fails); use cpu',
      );
    }
    say('Installing for the GPU: this way was written from documentation and never run by its authors');
  }
  await requireCache();
  const source = await obtainLibraries(device, say, signal);
  const { libraries, addon, napi } = describe(source, device);
  await obtainAddon(libraries.cached, addon, napi, say, signal);

  say(`Joining TensorFlow.js with TensorFlow ${source.version} in ${libraries.cached}`);
  await withWorkFolder(TFJS_FOLDER, async (work) => {
    await publishLink(libraries.cached, DEPS, work);
    // A copy, not a link: the loader looks for the libraries from the addon's real place.
    const lib = path.join(work, 'lib');
    await cp(addon.cached, lib, { recursive: true });
    await publish(lib, LIB, addon.content);
  });
  say('Trying whether it computes');
  try {
    await probeEngine();
  } catch (error) {
    for (const folder of [DEPS, LIB, addon.cached]) await rm(folder, { recursive: true, force: true });
    const reason = (error as Error).message;
    throw new InputError(`TensorFlow ${source.version} was installed but does not run here: ${reason}`);
  }
}

/** Puts the library into the cache, from the first source that works. */
async function obtainLibraries(
  device: Device,
  say: (line: string) => void,
  signal: AbortSignal,
): Promise<LibrarySource> {
  const failures: string[] = [];
  for (const source of SOURCES.filter((candidate) => candidate.available())) {
    const { content, cached } = describe(source, device).libraries;
    if (isSealed(cached, content)) return source;
    // What TensorFlow.js downloads itself cannot be put there by hand.
    if (isOffline() && source === tfjsDownloadSource) continue;
    requireTools();
    try {
      await fetchLibraries(source, device, say, signal);
      return source;
    } catch (error) {
      if (signal.aborted || error instanceof InputError) throw error;
      const reason = (error as Error).message;
      say(`  did not work: ${reason}`);
      failures.push(`${source.name}: ${reason}`);
    }
  }
  throw new InputError(
    `TensorFlow could not be had (${failures.join('; ')}); ${
      isOffline()
        ? 'put the file there, or do without LABELNOISE_OFFLINE'
        : 'check the network and the index that pip is set up for: the same command goes on'
    }`,
  );
}

async function fetchLibraries(
  source: LibrarySource,
  device: Device,
  say: (line: string) => void,
  signal: AbortSignal,
): Promise<void> {
  const { content, cached } = describe(source, device).libraries;
  const parent = path.dirname(cached);
  await withWorkFolder(parent, async (work) => {
    requireSpace(parent, source.space[device]);
    const size = prettyBytes(source.download[device]);
    say(
      isOffline()
        ? `TensorFlow ${source.version} (${source.name}, ${device}) from ${downloadsFolder()} ...`
        : `Fetching TensorFlow ${source.version} (${source.name}, ${device}; about ${size} to download) ...`,
    );
    const folder = path.join(work, 'libraries');
    const scratch = path.join(work, 'scratch');
    await mkdir(folder);
    await mkdir(scratch);
    await source.fetch({ folder, work: scratch, device, say, signal });
    const files = Object.keys(await fileSizes(folder)).length;
    say(`  keeping ${prettyBytes(await folderBytes(folder))} in ${files} files: ${cached}`);
    await publish(folder, cached, content);
  });
}

async function obtainAddon(
  libraries: string,
  addon: { content: string; cached: string },
  napi: number,
  say: (line: string) => void,
  signal: AbortSignal,
): Promise<void> {
  if (isSealed(addon.cached, addon.content)) return;
  requireTools();
  await withWorkFolder(path.dirname(addon.cached), async (work) => {
    say('Building the TensorFlow.js addon from its C++ source ...');
    const folder = path.join(work, 'addon');
    await mkdir(folder);
    await buildAddon(libraries, folder, napi, signal);
    say(`  built ${prettyBytes(await folderBytes(folder))}: ${addon.cached}`);
    await publish(folder, addon.cached, addon.content);
  });
}

async function requireCache(): Promise<void> {
  const folder = cacheFolder('tensorflow');
  try {
    makeFolder(folder);
    await access(folder, constants.W_OK);
  } catch (error) {
    const reason = (error as Error).message;
    throw new InputError(
      `${folder} cannot be written (${reason}); set LABELNOISE_CACHE to a folder that can`,
    );
  }
}

function requireSpace(folder: string, bytes: number): void {
  const { bavail, bsize } = statfsSync(folder);
  const free = bavail * bsize;
  if (free >= bytes) return;
  throw new InputError(
    `${folder}: ${prettyBytes(free)} free, but fetching TensorFlow takes ${prettyBytes(bytes)}; ` +
      'make room or set LABELNOISE_CACHE to a folder on another disk',
  );
}
