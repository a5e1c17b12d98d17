// `labelnoise methods`, `noises`, `datasets`, `models`, `augmentations`: what a suite can choose from, and what is in users' files.
import type { Command } from 'commander';
import { z } from 'zod';
import { plain } from '../report/escape.js';
import { insertInto, marksOf } from '../report/insert.js';
import { InputError } from '../spec/errors.js';
import { list } from '../spec/fields.js';
import { type ListedSetting, listedSettings, settingsTable } from '../suite/reference.js';
import { entriesOf } from '../suite/user_files.js';
import { shownFile, USER_FILE, type UserModule } from '../user/bundle.js';
import { type Entries, KINDS, type Kind } from '../user/kinds.js';
import { loadUserFile, Trial } from '../user/load.js';

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
  /** What it computes or does, in Markdown. */
  about?: string;
  settings?: Record<string, ListedSetting>;
  /** The file it comes from, if it is a user's. */
  source?: { file: string; sha256: string };
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
      .option(
        '--into <file>',
        `as Markdown, between ${marksOf(command).begin} and ${marksOf(command).end} of a file`,
      )
      .action(async (asked: string[], { json, into }: { json?: boolean; into?: string }) => {
        const found = await entriesAsked(kind, asked);
        if (into) {
          const entries = found.map(({ entry }) => entry);
          return insertInto(into, inMarkdown(entries), marksOf(command));
        }
        const all = found.map(({ entry, module }) => listing(entry, module));
        process.stdout.write(json ? `${JSON.stringify(all, null, 2)}\n` : all.map(lines).join(''));
      });
}

/** Entries of a kind as they are listed: those that are named, or else all, and those of users' files. @throws InputError for what is neither a name nor such a file */
export async function listed(kind: Kind, asked: readonly string[]): Promise<Listed[]> {
  return (await entriesAsked(kind, asked)).map(({ entry, module }) => listing(entry, module));
}

interface Asked {
  entry: Entries[Kind];
  /** The user's file that it is from. */
  module?: UserModule;
}

async function entriesAsked(kind: Kind, asked: readonly string[]): Promise<Asked[]> {
  const all = entriesOf(kind);
  const isName = (one: string) => all.some(({ name }) => name === one);
  const found: Asked[] = all
    .filter(({ name }) => !asked.some(isName) || asked.includes(name))
    .map((entry) => ({ entry }));
  const trial = new Trial();
  try {
    for (const file of asked.filter((one) => !isName(one))) {
      if (!file.includes('.') && !file.includes('/'))
        throw new InputError(
          `${file}: is no ${KINDS[kind].title} of this project, and no module by its name; allowed: ${list(all.map(({ name }) => name))}, or ${USER_FILE}`,
        );
      found.push(await loadUserFile(file, kind, trial));
    }
  } finally {
    trial.end();
  }
  return found;
}

function listing(entry: Entries[Kind], module?: UserModule): Listed {
  return {
    name: entry.name,
    ...(typeof entry.title === 'string' && { title: entry.title }),
    ...(entry.cite && { cite: entry.cite }),
    ...('about' in entry && entry.about && { about: entry.about }),
    ...('settings' in entry && { settings: listedSettings(entry.settings.shape) }),
    ...(module && { source: { file: shownFile(module.file), sha256: module.sha256 } }),
  };
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

/** Entries as Markdown: what each is, its settings, what it costs, where it comes from. Those that learn from a teacher share a text. */
export function inMarkdown(entries: readonly Entries[Kind][]): string {
  const isStudent = (entry: Entries[Kind]) => 'teacher' in entry && entry.teacher !== undefined;
  const student = entries.find(isStudent) as Entries['method'] | undefined;
  const parts = entries.filter((entry) => !isStudent(entry)).flatMap(section);
  if (student) {
    const source = student.cite?.replace(/, on .*/, '');
    parts.push(
      '### `bootstrap-NAME`',
      `**Bootstrap of any method.** ${student.about}`,
      `*Source:* ${source}.`,
    );
  }
  return `\n${parts.join('\n\n')}\n\n`;
}

function section(entry: Entries[Kind]): string[] {
  const { name, title, cite } = entry;
  const cost = 'cost' in entry ? costOf(entry) : undefined;
  const facts = [
    cost === undefined ? '' : `*Cost:* ${cost} SGD run${cost === 1 ? '' : 's'}.`,
    cite ? `*Source:* ${cite}.` : '',
  ];
  const named =
    typeof title === 'string' && title !== name ? `**${title[0]?.toUpperCase()}${title.slice(1)}.** ` : '';
  const about = 'about' in entry && entry.about ? entry.about : '';
  const table = 'settings' in entry ? settingsTable(entry.settings.shape).join('\n') : '';
  return [`### \`${name}\``, `${named}${about}`.trim(), table, facts.filter(Boolean).join(' ')].filter(
    Boolean,
  );
}

/** With default settings, over as many epochs as papers train. */
function costOf({ cost, settings }: Entries['method']): number {
  const usual = Object.entries(settings.shape).map(([name, field]) => [
    name,
    z.safeParse(field, undefined).data,
  ]);
  return Number(cost(Object.fromEntries(usual), { epochs: 200 }).toFixed(2));
}
