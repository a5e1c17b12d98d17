// `labelnoise methods`, `noises`, `datasets`, `models`, `augmentations`: what a suite can choose from, and what is in users' files.
import type { Command } from 'commander';
import { z } from 'zod';
import { plain } from '../report/escape.js';
import { InputError } from '../spec/errors.js';
import { list } from '../spec/fields.js';
import { entriesOf } from '../suite/user_files.js';
import { shownFile, USER_FILE, type UserModule } from '../user/bundle.js';
import { type Entries, KINDS, type Kind } from '../user/kinds.js';
import { loadUserFile } from '../user/load.js';

const COMMANDS: { kind: Kind; command: string; chosen: string }[] = [
  { kind: 'method', command: 'methods', chosen: 'training methods, which suites choose in "methods"' },
  { kind: 'noise', command: 'noises', chosen: 'noises, which suites choose in "noise"' },
  { kind: 'dataset', command: 'datasets', chosen: 'data sets, which suites choose in "data"' },
  { kind: 'network', command: 'models', chosen: 'networks, which suites choose in "model"' },
  { kind: 'augmentation', command: 'augmentations', chosen: 'augmentations, which suites choose in "data"' },
];

/** An entry as it is listed. */
export interface Listed {
  name: string;
  title?: string;
  cite?: string;
  settings?: Record<string, ListedSetting>;
  /** The file it comes from, if it is a user's. */
  source?: { file: string; sha256: string };
}

interface ListedSetting {
  title?: string;
  description?: string;
  /** What its values are, as an error would say it. */
  allowed?: string;
  default?: unknown;
}

export function register(program: Command): void {
  for (const { kind, command, chosen } of COMMANDS)
    program
      .command(command)
      .description(`list the ${chosen}`)
      .argument(
        '[entries...]',
        'names, of what is to be listed alone; files of your own: checked, and listed too',
      )
      .option('--json', 'as JSON')
      .action(async (asked: string[], { json }: { json?: boolean }) => {
        const found = await listed(kind, asked);
        process.stdout.write(json ? `${JSON.stringify(found, null, 2)}\n` : found.map(lines).join(''));
      });
}

/** Entries of a kind: those that are named, or else all, and those of users' files. @throws InputError for what is neither a name nor such a file */
export async function listed(kind: Kind, asked: readonly string[]): Promise<Listed[]> {
  const all = entriesOf(kind);
  const isName = (one: string) => all.some(({ name }) => name === one);
  const found = all
    .filter(({ name }) => !asked.some(isName) || asked.includes(name))
    .map((entry) => listing(entry));
  for (const file of asked.filter((one) => !isName(one))) {
    if (!file.includes('.') && !file.includes('/'))
      throw new InputError(
        `${file}: is no ${KINDS[kind].title} of this project, and no module by its name; allowed: ${list(all.map(({ name }) => name))}, or ${USER_FILE}`,
      );
    const { entry, module } = await loadUserFile(file, kind);
    found.push(listing(entry, module));
  }
  return found;
}

function listing(entry: Entries[Kind], module?: UserModule): Listed {
  return {
    name: entry.name,
    ...(typeof entry.title === 'string' && { title: entry.title }),
    ...(entry.cite && { cite: entry.cite }),
    ...('settings' in entry && { settings: listedSettings(entry.settings) }),
    ...(module && { source: { file: shownFile(module.file), sha256: module.sha256 } }),
  };
}

function listedSettings(settings: z.ZodObject): Record<string, ListedSetting> {
  const listed = Object.entries(settings.shape).map(([name, field]): [string, ListedSetting] => {
    const { title, description, ...schema } = z.toJSONSchema(field, { io: 'input', unrepresentable: 'any' });
    const allowed = z.safeParse(field, Symbol(name)).error?.issues[0]?.message;
    return [
      name,
      {
        ...(title && { title }),
        ...(description && { description }),
        ...(allowed && { allowed }),
        ...('default' in schema && { default: schema.default }),
      },
    ];
  });
  return Object.fromEntries(listed);
}

function lines({ name, title, cite, settings = {}, source }: Listed): string {
  const origin = [cite, source && `${source.file}, SHA-256 ${source.sha256.slice(0, 16)}`];
  const head = [`${name}${title ? `: ${title}` : ''}`, ...origin].filter(Boolean).join('. ');
  const width = Math.max(...Object.keys(settings).map((field) => field.length));
  const rows = Object.entries(settings).map(([field, { description, allowed, default: usual }]) => {
    const parts = [description, allowed, usual !== undefined && `${JSON.stringify(usual)} if not given`];
    return `  ${field.padEnd(width)}  ${parts.filter(Boolean).join('; ')}`;
  });
  return [head, ...rows].map((line) => `${plain(line)}\n`).join('');
}
