// What commands go through in `make torture`: kills, full disks, failing calls, a clock set back, races, little memory. After
// each, the command typed again must end in the files that an undisturbed one writes.
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { closeSync, openSync, readFileSync, writeFileSync, writeSync } from 'node:fs';
import { cp, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { constants } from 'node:os';
import path from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { updateBaseline } from '../../src/cli/baseline.js';
import { writeReport, writeTensorBoard } from '../../src/cli/report.js';
import { run } from '../../src/cli/run.js';
import { redraw } from '../../src/cli/table.js';
import { verify } from '../../src/cli/verify.js';
import { UNFINISHED } from '../../src/io/files.js';
import { PROJECT_ROOT } from '../../src/io/project.js';
import { integer, type Stream } from '../../src/io/random.js';
import { readOwnGraph } from '../../src/results/manifest.js';
import { readStored } from '../../src/results/store.js';
import { SUITE } from '../fakes.js';
import type { Outcome } from './command_line.js';
import { KeptProcess } from './kept_process.js';
import { engine } from './stand_in.js';
import { temporaryFolder } from './temporary_folder.js';

export const MAIN = path.join(PROJECT_ROOT, 'dist', 'src', 'cli', 'main.js');
const STAND_IN = path.join(PROJECT_ROOT, 'dist', 'test', 'support', 'stand_in.js');
/** No command here may take longer: one that waits for what never comes is killed, and has failed. */
const LONGEST_MILLISECONDS = 300_000;
/** A command that is out of memory has ended long before. */
const LONGEST_WAIT_MILLISECONDS = 30_000;
export const SUBJECTS = ['table', 'report', 'verify', 'baseline', 'run'] as const;
export type Subject = (typeof SUBJECTS)[number];

/** What was tried of a kind, and what went wrong, a line each. */
export interface Tally {
  kind: string;
  times: number;
  /** Of these, how many hit: a kill that found the command at work, a call that failed. */
  hits: number;
  failures: string[];
}

export interface Ended {
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
  milliseconds: number;
}

/** Starts a program of Node's and collects what it says. */
export function start(
  args: readonly string[],
  env: NodeJS.ProcessEnv = {},
  cwd = PROJECT_ROOT,
): { child: ChildProcess; said(): string; ended: Promise<Ended> } {
  const begun = performance.now();
  const child = spawn(process.execPath, args, {
    cwd,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const timer = globalThis.setTimeout(() => child.kill('SIGKILL'), LONGEST_MILLISECONDS);
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const ended = new Promise<Ended>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      resolve({ code, signal, stdout, stderr, milliseconds: performance.now() - begun });
    });
  });
  return { child, said: () => stderr, ended };
}

/** Does something with each of these, two at a time. @param act is told which of the two it is, 0 or 1 */
export async function inTwos<T>(
  items: Iterable<T>,
  act: (item: T, hand: number) => Promise<void>,
): Promise<void> {
  const rest = items[Symbol.iterator]();
  const take = async (hand: number) => {
    for (let next = rest.next(); !next.done; next = rest.next()) await act(next.value, hand);
  };
  await Promise.all([take(0), take(1)]);
}

/** Which calls are to fail, all counted from 1: one, or all from one on. */
interface Fault {
  error: 'EIO' | 'ENOSPC';
  at?: number;
  from?: number;
}

/** A process whose calls can be made to fail, and which runs one command after the other: to start takes longer than most of them. */
class FaultyProcess {
  private readonly child: KeptProcess<{ args: string[]; isStandIn: boolean }, Outcome>;

  /** @param state a file to be made, which the library shares with this process (faults.c has its layout) */
  constructor(
    shim: string,
    private readonly state: string,
  ) {
    writeFileSync(state, Buffer.alloc(4096));
    const env = { ...process.env, ...preload(shim), FAULT_STATE: state };
    this.child = new KeptProcess(new URL('./ordeal_child.js', import.meta.url), env);
  }

  /** Runs a command whose calls under a place are counted and may fail. @returns how it ended, the calls, and the first that failed */
  async run(args: readonly string[], place: string, fault?: Fault) {
    const bytes = Buffer.alloc(4096);
    if (fault) {
      const numbers = [fault.at ?? 0, fault.from ?? 0, constants.errno[fault.error]];
      for (const [i, value] of numbers.entries()) bytes.writeBigInt64LE(BigInt(value), 24 + 8 * i);
    }
    bytes.write(`${place}/`, 48);
    const file = openSync(this.state, 'r+');
    writeSync(file, bytes);
    closeSync(file);
    const [program, ...rest] = args;
    const asked = { args: rest, isStandIn: program === STAND_IN };
    const { status, stdout, stderr } = await this.child.ask(asked, LONGEST_MILLISECONDS);
    const ended: Ended = { code: status, signal: null, stdout, stderr, milliseconds: 0 };
    const found = readFileSync(this.state);
    const [calls, spared] = [0, 8].map((at) => Number(found.readBigInt64LE(at))) as [number, number];
    const what = found.subarray(1072, found.indexOf(0, 1072)).toString();
    // It would have ended with the command, and with it its claim on the folder.
    if ((await locksIn(place)).length) this.child.close();
    return { ended, calls, spared, what };
  }
}

const preload = (shim: string) => ({ LD_PRELOAD: shim, UV_USE_IO_URING: '0' });

/** A finished results folder, and what each command makes of it undisturbed. */
export class Ordeals {
  private readonly references = new Map<Subject, string>();
  /** How long each command took undisturbed. */
  private readonly milliseconds = new Map<Subject, number>();
  /** The calls of each, undisturbed, that an error can make fail. */
  private readonly calls = new Map<Subject, { EIO: number; ENOSPC: number }>();
  private readonly faulty: FaultyProcess[];

  private constructor(
    readonly folder: string,
    private readonly suite: string,
    private readonly shim: string | undefined,
  ) {
    this.faulty = shim ? [0, 1].map((n) => new FaultyProcess(shim, path.join(folder, `faults-${n}`))) : [];
  }

  /** @param shim the library of `faultLibrary` */
  static async prepare(shim?: string): Promise<Ordeals> {
    const folder = await temporaryFolder();
    const suite = path.join(folder, 'tiny.json');
    const methods = { sgd: {}, sam: { rho: 0.1 }, 'bootstrap-sam': { rho: 0.1 } };
    await writeFile(
      suite,
      JSON.stringify({ ...SUITE, noise: { ...SUITE.noise, rates: [0.2, 0.8] }, methods }),
    );
    const ordeals = new Ordeals(folder, suite, shim);
    const source = path.join(folder, 'source');
    await mkdir(source);
    for (const subject of ['run', 'baseline'] as const) {
      const { code, stderr } = await start(ordeals.argsOf(subject, source)).ended;
      if (code !== 0) throw new Error(`${subject} ended with exit code ${code}: ${stderr}`);
    }
    for (const subject of SUBJECTS) {
      const place = await ordeals.place(subject);
      const { code, stdout, stderr, milliseconds } = await ordeals.begin(subject, place).ended;
      if (code !== 0) throw new Error(`${subject} ended with exit code ${code}: ${stdout}${stderr}`);
      ordeals.milliseconds.set(subject, milliseconds);
      ordeals.references.set(subject, await contentOf(place, subject));
      if (!shim) continue;
      const counted = await ordeals.place(subject);
      const { ended, calls, spared } = await ordeals.faulty[0]!.run(
        ordeals.argsOf(subject, counted),
        counted,
      );
      if (ended.code !== 0) throw new Error(`${subject}, watched, ended with ${ended.code}: ${ended.stderr}`);
      ordeals.calls.set(subject, { EIO: calls, ENOSPC: calls - spared });
    }
    return ordeals;
  }

  argsOf(subject: Subject, place: string): string[] {
    const out = path.join(place, 'out');
    if (subject === 'run') return [STAND_IN, 'run', this.suite, out];
    if (subject === 'baseline') return [STAND_IN, 'baseline', out, path.join(place, 'baseline.json')];
    if (subject === 'verify') return [MAIN, 'verify', out, '--repair', '--yes'];
    return [MAIN, subject, out, ...(subject === 'report' ? ['--tensorboard'] : [])];
  }

  begin(subject: Subject, place: string, env?: NodeJS.ProcessEnv) {
    return start(this.argsOf(subject, place), env);
  }

  /** A new folder in the state in which the command has all to do. */
  async place(subject: Subject, place?: string): Promise<string> {
    place ??= path.join(await temporaryFolder(), 'place');
    await mkdir(place, { recursive: true });
    const out = path.join(place, 'out');
    if (subject === 'run') return place;
    const source = path.join(this.folder, 'source');
    await mkdir(out, { recursive: true });
    for (const name of [
      'suite.json',
      'runs',
      ...(subject === 'verify' || subject === 'baseline' ? await tablesOf(source) : []),
    ])
      await cp(path.join(source, 'out', name), path.join(out, name), { recursive: true });
    if (subject === 'verify') {
      const [name] = (await readdir(path.join(out, 'runs'))).sort();
      await writeFile(path.join(out, 'runs', name!), '{"cut');
      await rm(path.join(out, 'table4.md'));
    }
    if (subject === 'baseline') {
      const { trajectories: _, ...old } = JSON.parse(
        await readFile(path.join(source, 'baseline.json'), 'utf8'),
      );
      await writeFile(path.join(place, 'baseline.json'), JSON.stringify(old));
    }
    return place;
  }

  /** What the command does, without the time that a process takes to begin. */
  private async again(subject: Subject, place: string): Promise<number> {
    const out = path.join(place, 'out');
    const silent = () => {};
    if (subject === 'run') return run(this.suite, { out }, engine, { stop() {} }, silent);
    if (subject === 'baseline') {
      const options = { baseline: path.join(place, 'baseline.json'), yes: true };
      return updateBaseline(out, options, engine, silent);
    }
    if (subject === 'verify') return verify([out], { repair: true, yes: true }, silent, silent);
    if (subject === 'table') return redraw(out, undefined, silent, silent);
    const code = await writeReport([out], undefined, silent, silent);
    await writeTensorBoard(out, silent);
    return code;
  }

  /** Does the command's work again, undisturbed. @returns what is wrong then, if anything is */
  async recovered(subject: Subject, place: string): Promise<string | undefined> {
    const lost = await damageIn(path.join(place, 'out'), subject);
    if (lost) return lost;
    try {
      const code = await this.again(subject, place);
      if (code !== 0) return `typed again, it ends with exit code ${code}`;
    } catch (error) {
      return `typed again, it says: ${(error as Error).message}`;
    }
    return this.differs(subject, place);
  }

  /** What is not as an undisturbed command leaves it. */
  async differs(subject: Subject, place: string): Promise<string | undefined> {
    const out = path.join(place, 'out');
    const [found, right] = [await contentOf(place, subject), this.references.get(subject)!];
    if (found !== right) {
      const lines = right.split('\n');
      const other = found.split('\n').find((line, i) => line !== lines[i]);
      return `another content than undisturbed: ${other?.slice(0, 120)}`;
    }
    const left = (await readdir(place, { recursive: true })).filter((name) => UNFINISHED.test(name));
    left.push(...(await locksIn(place)));
    if (left.length) return `left behind: ${left.join(', ')}`;
    let said = '';
    const print = (text: string) => {
      said += text;
    };
    const verdict = await verify([out], {}, print, () => {});
    return verdict === 0 ? undefined : `verify says: ${said.split('\n')[0]}`;
  }

  /** Kills the command (SIGKILL) at random instants of its life, again and again in one folder, until it comes to its end. */
  async kills(subject: Subject, most: number, next: Stream): Promise<Tally> {
    const tally: Tally = { kind: `kill: ${subject}`, times: 0, hits: 0, failures: [] };
    let left = most;
    const rounds = function* () {
      while (left > 0) yield 1 + integer(next, 4);
    };
    await inTwos(rounds(), async (inARow) => {
      const place = await this.place(subject);
      // Then all over again, so that every part of the work is met.
      for (; inARow > 0 && left > 0; inARow--) {
        left--;
        const usual = this.milliseconds.get(subject)!;
        const after = (0.3 + 0.75 * next()) * usual;
        const { child, ended } = this.begin(subject, place);
        const isOver = await Promise.race([ended.then(() => true), setTimeout(after, false)]);
        child.kill('SIGKILL');
        const { signal, code, stderr, milliseconds } = await ended;
        if (isOver && code !== 0) tally.failures.push(`ends with ${signal ?? code}: ${stderr.trim()}`);
        // One that was faster was not killed, and does not count.
        if (isOver) {
          this.milliseconds.set(subject, Math.min(usual, milliseconds));
          left++;
          break;
        }
        tally.times++;
        tally.hits++;
        const damage = await damageIn(path.join(place, 'out'), subject);
        if (damage) tally.failures.push(`after ${Math.round(after)} ms: ${damage}`);
      }
      const wrong = await this.recovered(subject, place);
      if (wrong) tally.failures.push(wrong);
      await rm(path.dirname(place), { recursive: true });
    });
    return tally;
  }

  /** Lets calls fail: each of these in a trial of its own. @param choose of all calls, those to let fail (counted from 1) */
  async faults(
    subject: Subject,
    error: 'EIO' | 'ENOSPC',
    lasting: boolean,
    choose: (all: number) => number[],
  ): Promise<Tally> {
    const kind = `${error}${lasting ? ' from a call on' : ' at a call'}: ${subject}`;
    const tally: Tally = { kind, times: 0, hits: 0, failures: [] };
    await inTwos(choose(this.calls.get(subject)![error]), async (n, hand) => {
      const place = await this.place(subject);
      const fault: Fault = { error, [lasting ? 'from' : 'at']: n };
      const { ended, what } = await this.faulty[hand]!.run(this.argsOf(subject, place), place, fault);
      tally.times++;
      if (what) tally.hits++;
      const wrong = (await this.answer(subject, place, ended)) ?? (await this.recovered(subject, place));
      if (wrong) tally.failures.push(`call ${n} (${what}): ${wrong}`);
      await rm(path.dirname(place), { recursive: true });
    });
    return tally;
  }

  /** What is wrong with how a command answered to what kept it from its work. */
  private async answer(
    subject: Subject,
    place: string,
    { code, signal, stderr }: Ended,
  ): Promise<string | undefined> {
    // What results do not depend on may fail unnoticed.
    if (code === 0) return undefined;
    if (code !== 1 && code !== 2)
      return `ends with ${signal ?? `exit code ${code}`}: ${stderr.trim().slice(-200)}`;
    if (/^\s+at .*:\d+/m.test(stderr)) return `a stack trace: ${stderr.slice(0, 200)}`;
    const lines = stderr.split('\n').filter((line) => line.startsWith('labelnoise: '));
    const errors = subject === 'verify' || subject === 'run' ? lines.slice(-1) : lines;
    if (code === 1 && subject === 'verify' && !errors.length) return undefined;
    if (errors.length !== 1) return `${errors.length} lines in place of one: ${stderr.trim()}`;
    if (errors[0]!.includes('(unexpected')) return `not foreseen: ${errors[0]}`;
    if (!errors[0]!.includes(place)) return `names no file: ${errors[0]}`;
    return undefined;
  }

  /** On a disk of so many pages of 4 KiB; then there is room again. */
  async fullDisk(subject: Subject, sizes: readonly number[]): Promise<Tally> {
    const tally: Tally = { kind: `full disk: ${subject}`, times: 0, hits: 0, failures: [] };
    await inTwos(sizes, async (pages) => {
      const disk = await temporaryFolder();
      const place = path.join(disk, 'place');
      const size = (kib: number, ...more: string[]) =>
        execFileSync('mount', ['-t', 'tmpfs', '-o', [...more, `size=${kib}k`].join(), 'tmpfs', disk]);
      size(16_384);
      try {
        await this.place(subject, place);
        const free = Number(/\d+/.exec(dfLine(disk))![0]);
        size(16_384 - free + 4 * pages, 'remount');
        const outcome = await this.begin(subject, place).ended;
        size(16_384, 'remount');
        tally.times++;
        if (outcome.code !== 0) tally.hits++;
        const wrong = (await this.answer(subject, place, outcome)) ?? (await this.recovered(subject, place));
        if (wrong) tally.failures.push(`${pages} pages: ${wrong}`);
      } finally {
        execFileSync('umount', [disk]);
      }
    });
    return tally;
  }

  /** Sets the clock back by a day at a random moment; half of the times in a folder whose holder was killed. */
  async clockBack(subject: Subject, times: number, next: Stream): Promise<Tally> {
    const tally: Tally = { kind: `clock set back: ${subject}`, times: 0, hits: 0, failures: [] };
    const milliseconds = this.milliseconds.get(subject)!;
    for (; tally.times < times; tally.times++) {
      const place = await this.place(subject);
      if (tally.times % 2) {
        const { child, ended } = this.begin(subject, place);
        await setTimeout((0.4 + 0.6 * next()) * milliseconds);
        child.kill('SIGKILL');
        await ended;
      }
      const FAULT_CLOCK_AFTER = String(Math.floor(next() * milliseconds));
      const clock = { FAULT_CLOCK_SHIFT: '-86400', FAULT_CLOCK_AFTER };
      const { code, stderr } = await this.begin(subject, place, { ...preload(this.shim!), ...clock }).ended;
      tally.hits++;
      if (/-\d+ (s|min|h)\b|NaN|Invalid Date/.test(stderr)) tally.failures.push(`says ${stderr}`);
      const wrong = code === 0 ? await this.differs(subject, place) : `ends with ${code}: ${stderr}`;
      if (wrong) tally.failures.push(wrong);
      await rm(path.dirname(place), { recursive: true });
    }
    return tally;
  }

  /** Starts two commands in one folder at nearly the same time. Each does its work, or is told who is at it. */
  async races(one: Subject, other: Subject, times: number, next: Stream): Promise<Tally> {
    const tally: Tally = { kind: `race: ${one} and ${other}`, times: 0, hits: 0, failures: [] };
    // The subject that starts from more of a folder decides how it is at first.
    const [first] = [one, other].sort((a, b) => SUBJECTS.indexOf(a) - SUBJECTS.indexOf(b));
    for (; tally.times < times; tally.times++) {
      const place = await this.place(first!);
      if (one === 'run' || other === 'run') await this.unfinish(path.join(place, 'out'));
      const begun = [one, other].map(async (subject, i) => {
        if (i) await setTimeout(next() * 300);
        return this.begin(subject, place).ended;
      });
      for (const [i, { code, signal, stderr }] of (await Promise.all(begun)).entries()) {
        const subject = [one, other][i]!;
        const refusal = stderr.trimEnd().split('\n').at(-1)!;
        if (code === 2 && / is in use by process \d+ since /.test(refusal)) tally.hits++;
        // What is checked may change under its hands: it is said, and typed again below.
        else if (code !== 0 && !(code === 1 && subject === 'verify'))
          tally.failures.push(`${subject}: ${signal ?? code}: ${stderr.trim()}`);
      }
      // Who was refused types it again.
      for (const subject of [one, other]) {
        const code = await this.again(subject, place).catch((error: Error) => error.message);
        if (code !== 0) tally.failures.push(`${subject}, typed again: ${code}`);
      }
      const most = ['run', 'report'].find((subject) => subject === one || subject === other) ?? first!;
      const wrong = await this.differs(most as Subject, place);
      if (wrong) tally.failures.push(wrong);
      await rm(path.dirname(place), { recursive: true });
    }
    return tally;
  }

  /** With one run less than all. */
  private async unfinish(out: string): Promise<void> {
    const source = path.join(this.folder, 'source', 'out');
    await mkdir(path.join(out, 'runs'), { recursive: true });
    await cp(path.join(source, 'suite.json'), path.join(out, 'suite.json'));
    const names = (await readdir(path.join(source, 'runs'))).sort();
    for (const name of names.slice(1))
      await cp(path.join(source, 'runs', name), path.join(out, 'runs', name));
    await rm(path.join(out, 'runs', names[0]!), { force: true });
  }

  /** From a random moment on with no more memory than it has; then with enough. */
  async littleMemory(subject: Subject, times: number, next: Stream): Promise<Tally> {
    const tally: Tally = { kind: `little memory: ${subject}`, times: 0, hits: 0, failures: [] };
    const milliseconds = this.milliseconds.get(subject)!;
    const moments = Array.from({ length: times }, () => (0.5 + 0.5 * next()) * milliseconds);
    await inTwos(moments, async (moment) => {
      const place = await this.place(subject);
      const { child, ended } = this.begin(subject, place);
      await Promise.race([ended, setTimeout(moment)]);
      if (child.exitCode === null && child.signalCode === null)
        execFileSync('prlimit', ['--pid', String(child.pid), '--as=0']);
      tally.times++;
      // While it starts, Node itself may wait for ever then: to report it, it takes a lock that it already holds.
      const waiting = globalThis.setTimeout(() => child.kill('SIGKILL'), LONGEST_WAIT_MILLISECONDS);
      if ((await ended).code !== 0) tally.hits++;
      clearTimeout(waiting);
      const wrong = await this.recovered(subject, place);
      if (wrong) tally.failures.push(`after ${Math.round(moment)} ms: ${wrong}`);
      await rm(path.dirname(place), { recursive: true });
    });
    return tally;
  }
}

/** Compiles the library that lets calls fail. @returns undefined where there is no compiler, or no such way (not on Linux) */
export function faultLibrary(folder: string): string | undefined {
  if (process.platform !== 'linux') return undefined;
  const library = path.join(folder, 'faults.so');
  const source = path.join(PROJECT_ROOT, 'test', 'support', 'faults.c');
  const args = ['-shared', '-fPIC', '-O2', '-Wall', '-Werror', '-o', library, source, '-ldl'];
  const { error, status, stderr } = spawnSync(process.env.CC ?? 'cc', args, { encoding: 'utf8' });
  if (error) return undefined;
  if (status !== 0) throw new Error(`${source} is not compiled: ${stderr}`);
  return library;
}

/** Whether a file system in memory can be mounted here. */
export async function canMount(): Promise<boolean> {
  const folder = await temporaryFolder();
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', folder], { stdio: 'ignore' });
    execFileSync('umount', [folder], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** All numbers to n, or about so many of them, the first and the last among them. */
export function spread(n: number, about = n): number[] {
  const count = Math.min(n, about);
  return Array.from({ length: count }, (_, i) => 1 + Math.round((i * (n - 1)) / Math.max(1, count - 1)));
}

const dfLine = (disk: string) =>
  execFileSync('df', ['--output=avail', '-k', disk], { encoding: 'utf8' }).split('\n')[1]!;

async function tablesOf(source: string): Promise<string[]> {
  return (await readdir(path.join(source, 'out'))).filter(
    (name) => /\.(csv|md|tex)$/.test(name) || name === 'records.jsonl',
  );
}

async function locksIn(place: string): Promise<string[]> {
  return (await readdir(place, { recursive: true })).filter((name) => path.basename(name).startsWith('lock'));
}

/** What a command that was cut short did to the records: nothing, or this. */
async function damageIn(out: string, subject: Subject): Promise<string | undefined> {
  const graph = await readOwnGraph(out).catch(() => undefined);
  // A run that had not come to the writing of anything.
  if (!graph) return subject === 'run' ? undefined : 'suite.json is gone';
  const { records, lost, archive, runs } = await readStored(out, graph.runs);
  if (lost.size || archive.damaged.length) return `records are damaged: ${[...lost]}`;
  if (subject === 'run') return runs.damaged.length ? 'a file of runs/ is damaged' : undefined;
  return records.size === graph.runs.length ? undefined : `only ${records.size} records are left`;
}

/** All that is in a place, but for times, locks and logs, as lines. */
async function contentOf(place: string, subject: Subject): Promise<string> {
  const names = (await readdir(place, { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => path.relative(place, path.join(parentPath, name)))
    .filter((name) => !/(^|\/)(lock.*|events\.jsonl|.*\.tmp|.*\.damaged(-\d+)?)$/.test(name));
  const lines: string[] = [];
  for (const name of names.sort()) {
    // A run's records have the times of its making in them, and so have those made of them.
    const made = subject === 'run' && /\.jsonl?$|report\.html$/.test(name);
    if (subject === 'run' && name.includes('tensorboard')) continue;
    const text = await readFile(path.join(place, name), 'utf8');
    const timeless = made
      ? text
          .replace(/\d{4}-\d\d-\d\d(T[\d:.]+Z)?/g, 'TIME')
          // The page counts the runs of each day.
          .replace(/(\{"value":"TIME","runs":\d+\},?)+/g, '{"value":"TIME"}')
          .replace(/TIME \(\d+ runs?\)(, TIME \(\d+ runs?\))*/g, 'TIME')
          .replace(/"commit":"[^"]*"/g, '"commit":"AT HAND"')
          .replace(/"(sha256|lines)":"[0-9a-f]{64}"/g, '"$1":"OF TIMES"')
      : text;
    lines.push(...timeless.split('\n').map((line) => `${name}: ${line}`));
  }
  return lines.join('\n');
}
