// A user's own file, with all that it imports, as one module: whatever Node runs it, and whatever happens to the file afterwards.
import { createHash } from 'node:crypto';
import { realpath, stat } from 'node:fs/promises';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import type { BuildFailure, Message, Metafile, OnLoadArgs, Plugin } from 'esbuild';
import { readBounded } from '../io/paths.js';
import { PROJECT_ROOT } from '../io/project.js';
import { InputError } from '../spec/errors.js';
import { USER_FILE_BYTES } from '../spec/limits.js';

/** What a file's name may end in. */
const ENDINGS = ['.js', '.mjs', '.ts'];
export const USER_FILE = `the path of a file of yours, ending in ${ENDINGS.join(', ')} and beginning with ./ , ../ or /`;

/** A user's file, bundled. It travels to worker processes as it is. */
export interface UserModule {
  /** The file, in full. */
  file: string;
  /** SHA-256 of the texts of all its sources: the same wherever they lie and whoever bundles them. */
  sha256: string;
  /** One ES module. Its source map has the files in full. */
  code: string;
  /** What it consists of, in full. */
  sources: string[];
  /** The file's own text. */
  text: string;
}

/** Whether a suite means a file of the user's by this name, not something that comes with the project. */
export function isUserFile(name: string): boolean {
  return /^\.{0,2}\//.test(name);
}

/** A file as it is called in messages: as seen from where the command was given, unless that is farther. */
export function shownFile(file: string): string {
  const relative = path.relative('', file);
  return relative.startsWith('..') ? file : relative;
}

/** Bundles a file. @throws InputError with file, line and column if it cannot be */
export async function bundle(named: string): Promise<UserModule> {
  const shown = shownFile(named);
  if (!ENDINGS.includes(path.extname(named)))
    throw new InputError(`${shown}: is no module by its name; allowed: ${USER_FILE}`);
  // Links are followed, as they are from one source to the next.
  const file = await realpath(named).catch(() => named);
  if (!(await stat(file).catch(() => undefined))?.isFile())
    throw new InputError(`${shown}: there is no such file; allowed: ${USER_FILE}`);
  const texts = new Map<string, string>();
  const { build } = await import('esbuild');
  const folder = path.dirname(file);
  const url = JSON.stringify(pathToFileURL(file));
  const result = await build({
    entryPoints: [file],
    absWorkingDir: folder,
    // Only names the outputs: nothing is written.
    outfile: path.join(folder, 'bundle.mjs'),
    write: false,
    metafile: true,
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node20.19',
    sourcemap: 'external',
    legalComments: 'none',
    charset: 'utf8',
    logLevel: 'silent',
    // What is on the way to the root folder must not change what a file means.
    tsconfigRaw: {},
    define: {
      'import.meta.url': url,
      'import.meta.filename': JSON.stringify(file),
      'import.meta.dirname': JSON.stringify(folder),
    },
    plugins: [resolvingTo(texts)],
  }).catch((failure: BuildFailure) => {
    throw failure.errors ? new InputError(lineOf(failure, folder, shown)) : failure;
  });
  const code = result.outputFiles.find(({ path }) => path.endsWith('.mjs'))!.text;
  const map = result.outputFiles.find(({ path }) => path.endsWith('.map'))!.text;
  return {
    file,
    sha256: identityOf(result.metafile, texts, folder),
    code: withMap(code, map, folder),
    sources: [...texts.keys()],
    text: texts.get(file) ?? '',
  };
}

/** Finds this package and its zod wherever the file lies, and keeps the texts of what is bundled. */
function resolvingTo(texts: Map<string, string>): Plugin {
  return {
    name: 'labelnoise',
    setup(build) {
      // One zod, or it would not know the schemas of the other.
      const own: Record<string, string> = {
        labelnoise: pathToFileURL(path.join(PROJECT_ROOT, 'dist', 'src', 'index.js')).href,
        zod: import.meta.resolve('zod'),
      };
      build.onResolve({ filter: /^(labelnoise|zod)$/ }, (asked) => ({
        path: own[asked.path]!,
        external: true,
      }));
      build.onResolve({ filter: /^@tensorflow\// }, ({ path }) => ({
        errors: [{ text: `${path} cannot be imported; allowed: import { tf } from 'labelnoise'` }],
      }));
      build.onLoad({ filter: /.*/, namespace: 'file' }, async ({ path }: OnLoadArgs) => {
        try {
          const text = (await readBounded(path, USER_FILE_BYTES)).toString('utf8');
          texts.set(path, text);
          return { contents: text, loader: 'default' };
        } catch (error) {
          return { errors: [{ text: (error as Error).message }] };
        }
      });
    },
  };
}

function lineOf({ errors }: BuildFailure, folder: string, shown: string): string {
  const { text, location, notes } = errors[0]! as Message;
  const place = location
    ? `${shownFile(path.resolve(folder, location.file))}:${location.line}:${location.column + 1}`
    : shown;
  const missing = /^Could not resolve "(.*)"$/.exec(text)?.[1];
  const hint = missing?.startsWith('.') ? 'the path of a file that is there' : 'a package that is installed';
  const said = missing ? `imports "${missing}", which is not there; allowed: ${hint}` : text;
  const more = !missing && notes[0]?.text && !notes[0].location ? ` (${notes[0].text})` : '';
  return `${place}: ${`${said}${more}`.replace(/\s+/g, ' ')}`;
}

/**
 * The hash of the texts and of how they import each other, in the order of their imports from the entry on: without the
 * names of files and folders.
 */
function identityOf({ inputs, outputs }: Metafile, texts: Map<string, string>, folder: string): string {
  const hash = createHash('sha256');
  const numbers = new Map<string, number>();
  const visit = (input: string): number => {
    const known = numbers.get(input);
    if (known !== undefined) return known;
    const number = numbers.size;
    numbers.set(input, number);
    const text = (texts.get(path.resolve(folder, input)) ?? '')
      .replace(/^\uFEFF/, '')
      .replace(/\r\n?/g, '\n');
    const imports = (inputs[input]?.imports ?? [])
      .map(({ path, original = path, external }) => ({ path, original, external }))
      .filter(({ path }) => path !== '<runtime>')
      .sort((a, b) => (a.original < b.original ? -1 : 1));
    const links = imports.map(({ path, original, external }) => [original, external ? null : visit(path)]);
    hash.update(JSON.stringify([number, text, links]));
    return number;
  };
  visit(Object.values(outputs).find(({ entryPoint }) => entryPoint !== undefined)!.entryPoint!);
  return hash.digest('hex');
}

/** The code with its map at its end; CommonJS packages in it find Node's own modules. */
function withMap(code: string, map: string, folder: string): string {
  const parsed: { sources: string[] } = JSON.parse(map);
  const sources = parsed.sources.map((source) => pathToFileURL(path.resolve(folder, source)).href);
  const inline = Buffer.from(JSON.stringify({ ...parsed, sources })).toString('base64');
  const require =
    'import{createRequire as requireOf}from"node:module";const require=requireOf(import.meta.url);';
  // In the first line, which is then esbuild's own, so that the map stays true.
  const head = /^var __/.test(code) && code.includes('__require(') ? require : '';
  return `${head}${code}\n//# sourceMappingURL=data:application/json;base64,${inline}\n`;
}
