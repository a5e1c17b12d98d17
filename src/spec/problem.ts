// Validation issues as one line: file, field, value found, what is allowed.
import type { z } from 'zod';

/** A field's path as one writes it: `noise.rates[1]`. */
export function fieldPath(path: readonly PropertyKey[]): string {
  return path.reduce<string>((text, key) => {
    if (typeof key === 'number') return `${text}[${key}]`;
    const name = String(key);
    return /^[\w-]+$/.test(name)
      ? `${text}${text && '.'}${cut(name)}`
      : `${text}[${cut(JSON.stringify(name))}]`;
  }, '');
}

function valueAt(input: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>((v, key) => (v as Record<PropertyKey, unknown> | undefined)?.[key], input);
}

function shown(value: unknown): string {
  return value === undefined ? 'is missing' : `is ${cut(JSON.stringify(value))}`;
}

function cut(text: string): string {
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}

/** What is right, where a schema says no more than Zod does. */
function allowed(message: string): string {
  return message.replace(/^[A-Z][a-z ]+: expected (.*?)(, received \w+)?$/, '$1');
}

/** The first issue as a line without its file, and how many more there are. */
export function describeProblem(error: z.ZodError, input: unknown): string {
  const [issue, ...others] = error.issues;
  if (!issue) return 'is not valid';
  const more = others.length ? ` (and ${others.length} more problem${others.length > 1 ? 's' : ''})` : '';
  const unknown = issue.code === 'unrecognized_keys' ? issue.keys[0] : undefined;
  const path = unknown === undefined ? issue.path : [...issue.path, unknown];
  const finding = unknown === undefined ? shown(valueAt(input, path)) : 'is not known';
  const field = path.length ? fieldPath(path) : 'the content';
  return `${field} ${finding}; allowed: ${allowed(issue.message)}${more}`;
}
