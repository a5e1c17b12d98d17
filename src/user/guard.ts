// Code of users' own: what it does wrong is told with its file and line, chance is kept out of it, and a call that never returns ends.
import { AsyncLocalStorage } from 'node:async_hooks';
import { fileURLToPath } from 'node:url';
import { inspect } from 'node:util';
import { Worker } from 'node:worker_threads';
import { InputError } from '../spec/errors.js';
import { shownFile, type UserModule } from './bundle.js';
import type { Watched } from './watchdog.js';

/** The signal that ends a worker whose user code does not return, after its last words. */
export const OVERDUE = 'SIGALRM';

const MESSAGE_LENGTH = 600;

/** What user code is under way, wherever it waits. */
const underWay = new AsyncLocalStorage<string>();
/** All sources of users' files that were loaded. */
const known = new Set<string>();
/** Errors that say already where they come from. */
const located = new WeakSet<InputError>();

/** Longest that a call may take, in seconds. @throws InputError if LABELNOISE_USER_SECONDS is no such number */
export function userSeconds(): number {
  const given = process.env.LABELNOISE_USER_SECONDS || '60';
  const seconds = Number(given);
  if (!(seconds > 0 && seconds <= 1e6))
    throw new InputError(`LABELNOISE_USER_SECONDS is "${given}"; allowed: a number of seconds above 0`);
  return seconds;
}

/** Runs user code, and what it begins and waits for, without chance: anything else has `Math.random` as before. */
export function withoutChance<T>(name: string, run: () => T): T {
  return underWay.run(name, run);
}

/** Readies this process for code of users. */
export function expectUserCode({ sources }: UserModule): void {
  for (const source of sources) known.add(source);
  if (Math.random === noChance) return;
  process.setSourceMapsEnabled(true);
  // The frame that matters is below those of tfjs.
  Error.stackTraceLimit = Math.max(Error.stackTraceLimit, 100);
  Math.random = noChance;
  process.exit = noExit as typeof process.exit;
}

const chance = Math.random;
function noChance(): number {
  // A library may do as it likes while it is loaded, which tfjs is when it is first used.
  if (underWay.getStore() !== undefined && !isLoading(new Error().stack!))
    throw new Error(
      'Math.random is not repeatable; allowed: draws from the streams that functions are given',
    );
  return chance();
}

/** Ends the process for the project itself, also on behalf of code of users that cannot go on. */
export function endProcess(code: number): never {
  return exit(code);
}

/** Whether code of users has made Node load a module, and this is what that does. */
function isLoading(stack: string): boolean {
  for (const line of stack.split('\n')) {
    if (frameOf(line)) return false;
    if (line.includes('node:internal/modules/')) return true;
  }
  return false;
}

const exit = process.exit.bind(process);
function noExit(code?: number | string | null): never {
  if (underWay.getStore() !== undefined) throw new Error('process.exit must not be called');
  return exit(code);
}

/** The place in a user's file that a line of a stack is of. */
function frameOf(line: string): { file: string; place: string } | undefined {
  const frame = /(?:\(|at (?:async )?)((?:file:\/\/)?\/[^()]*?):(\d+):(\d+)\)?$/.exec(line);
  const file = frame && (frame[1]!.startsWith('file:') ? fileURLToPath(frame[1]!) : frame[1]!);
  return file && known.has(file) ? { file, place: `${shownFile(file)}:${frame[2]}:${frame[3]}` } : undefined;
}

/** Where in a user's file an error comes from, `my_method.ts:12:5`; undefined if it comes from none. */
export function placeOf(error: unknown): string | undefined {
  const stack = error instanceof Error ? (error.stack ?? '') : '';
  const frames = stack.split('\n').flatMap((line) => frameOf(line) ?? []);
  return (frames.find(({ file }) => !file.includes('/node_modules/')) ?? frames[0])?.place;
}

/** An error of user code as one line: where it comes from, what was called and what happened. */
export function explainedUser(error: unknown, module: UserModule, called?: string): InputError {
  if (error instanceof InputError && located.has(error)) return error;
  const kernel = /Kernel '(\w+)' not registered/.exec((error as Error)?.message ?? '')?.[1];
  const message = kernel
    ? `uses tfjs's kernel ${kernel}, which a compiled step does not have; allowed: operations without it`
    : error instanceof Error
      ? error.message || error.name
      : `throws ${inspect(error)}`;
  const place = placeOf(error) ?? shownFile(module.file);
  return locatedError(`${place}: ${called ? `${called}: ` : ''}${message}`);
}

/** An error as it is told: one that comes from a user's file names its place, wherever it was noticed. */
export function toldByUser(error: unknown): Error {
  const place = error instanceof InputError ? undefined : placeOf(error);
  if (place === undefined) return error as Error;
  return locatedError(`${place}: ${(error as Error).message || (error as Error).name}`);
}

/** An error that names its place itself. */
export function locatedError(message: string): InputError {
  const line = message.replace(/\s+/g, ' ').trim();
  const error = new InputError(line.length > MESSAGE_LENGTH ? `${line.slice(0, MESSAGE_LENGTH)} ...` : line);
  located.add(error);
  return error;
}

/**
 * Looks at what a function of an entry gave. `home` is the object that the function is a part of, or that whose function gave it.
 *
 * @throws Error saying what is wrong with it, and what is expected
 */
export type Contract = (result: unknown, args: readonly unknown[], home: object | undefined) => void;

/** By the function's name, `loss` or `recipe().loss`; a name of the user's own choice is written `*`. */
export type Contracts = Record<string, Contract>;

/** Functions that may answer later. */
const MAY_WAIT = ['load', 'prepare', 'resolve'];

/**
 * The same entry with all its functions guarded, and those of whatever they return.
 *
 * @param contracts by the function's name, `loss` or `recipe().loss`
 * @returns a copy: functions keep the entry itself as their `this`
 */
export function guarded<T>(entry: T, module: UserModule, contracts: Contracts = {}): T {
  const copies = new WeakMap<object, unknown>();
  /** Guarded functions, by the object that they are a part of. */
  const wrappers = new WeakMap<object, Map<unknown, unknown>>();
  const copied = (value: unknown, name: string, home?: object): unknown => {
    if (typeof value === 'function') return withGuard(value, undefined, name, home);
    if (!isComposed(value)) return value;
    if (Array.isArray(value) && value.every((one) => typeof one !== 'function' && !isComposed(one)))
      return value;
    const done = copies.get(value);
    if (done) return done;
    const copy: Record<PropertyKey, unknown> | unknown[] = Array.isArray(value) ? [] : {};
    copies.set(value, copy);
    for (const key of keysOf(value)) {
      const part = Reflect.get(value, key);
      const called = Array.isArray(value) || !name ? (name ? `${name}[${key}]` : key) : `${name}.${key}`;
      const guardedPart = typeof part === 'function' ? withGuard(part, value, called) : copied(part, called);
      // A key may be called __proto__.
      Object.defineProperty(copy, key, {
        value: guardedPart,
        writable: true,
        enumerable: true,
        configurable: true,
      });
    }
    return copy;
  };
  // biome-ignore lint/complexity/noBannedTypes: whatever can be called
  const withGuard = (call: Function, owner: object | undefined, name: string, home = owner) => {
    // Instances of a class have their functions in common: what is called on one is not to be called on another.
    const ofOwner = owner ?? call;
    const known = wrappers.get(ofOwner)?.get(call);
    if (known) return known;
    const wrapped = (...args: unknown[]): unknown => {
      const leave = enter(`${shownFile(module.file)}: ${name}`);
      try {
        const result = withoutChance(name, () => Reflect.apply(call, owner, args));
        if (result instanceof Promise && !MAY_WAIT.includes(name)) {
          result.catch(() => {});
          throw locatedError(
            `${shownFile(module.file)}${lineOfKey(module, name)}: ${name} gives a promise; expected: the value itself, from a function that is not async`,
          );
        }
        if (result instanceof Promise)
          return result.then(
            (value) => checked(value, name, args, home),
            (error) => {
              throw explainedUser(error, module, name);
            },
          );
        return checked(result, name, args, home);
      } catch (error) {
        throw explainedUser(error, module, name);
      } finally {
        leave();
      }
    };
    wrappers.set(ofOwner, (wrappers.get(ofOwner) ?? new Map()).set(call, wrapped));
    return wrapped;
  };
  const checked = (result: unknown, name: string, args: readonly unknown[], home: object | undefined) => {
    try {
      contracts[generalName(name)]?.(result, args, home);
    } catch (error) {
      throw locatedError(
        `${shownFile(module.file)}${lineOfKey(module, name)}: ${name} ${(error as Error).message}`,
      );
    }
    return copied(result, `${name}()`, home);
  };
  return copied(entry, '') as T;
}

/** A function's name without those that its user has chosen; what a phase of a recipe has, it has in place of the recipe. */
function generalName(name: string): string {
  return name.replace(/\.phases\.[^.]+/, '').replace(/\.(state|examples)\.[^.]+/, '.$1.*');
}

/** Things made of parts, which may be functions; tensors, numbers in arrays, schemas, maps and promises are not. */
function isComposed(value: unknown): value is object {
  if (!value || typeof value !== 'object' || ArrayBuffer.isView(value)) return false;
  if (['dataId', '_zod'].some((mark) => mark in value)) return false;
  return ![ArrayBuffer, Map, Set, WeakMap, Promise, Date, RegExp, Error].some(
    (kind) => value instanceof kind,
  );
}

/** Names of an object's own parts and of those that its class gives it. */
function keysOf(value: object): string[] {
  if (Array.isArray(value)) return Object.keys(value);
  const keys = new Set<string>();
  for (let at: object | null = value; at && at !== Object.prototype; at = Object.getPrototypeOf(at))
    for (const key of Object.getOwnPropertyNames(at)) if (key !== 'constructor') keys.add(key);
  return [...keys];
}

/** The line on which a function of that name is plain to see in the file. */
function lineOfKey({ text }: UserModule, name: string): string {
  const key = name
    .replace(/[()[\]\d]+$/, '')
    .split('.')
    .at(-1)!;
  const line = text.split('\n').findIndex((line) => new RegExp(`(^|[\\s{,.])${key}\\s*[(:=]`).test(line));
  return line < 0 ? '' : `:${line + 1}`;
}

/** What the watchdog looks at: which call is under way (0: none) and how many calls were begun or ended. */
let shared: Int32Array | undefined;
const calls = new Map<string, number>();
let watchdog: Worker | undefined;

/**
 * Watches over the calls of user code in this process, which it ends when one takes longer than `seconds`, with a line on
 * stderr that names file and function.
 *
 * @param prefix what that line begins with
 */
export function watch(seconds: number, signal: NodeJS.Signals, prefix = ''): void {
  if (watchdog) return;
  shared = new Int32Array(new SharedArrayBuffer(8));
  const workerData: Watched = { shared, seconds, signal, prefix };
  watchdog = new Worker(new URL('./watchdog.js', import.meta.url), { workerData, execArgv: [] });
  watchdog.unref();
}

/** Notes that a call begins. @returns to be called when it is over */
function enter(name: string): () => void {
  if (!shared || !watchdog) return () => {};
  let number = calls.get(name);
  if (number === undefined) {
    number = calls.size + 1;
    calls.set(name, number);
    watchdog.postMessage([number, name]);
  }
  const outer = Atomics.exchange(shared, 0, number);
  Atomics.add(shared, 1, 1);
  const noted = shared;
  return () => {
    Atomics.store(noted, 0, outer);
    Atomics.add(noted, 1, 1);
  };
}
