// Which versions of Node this runs on: those that package.json names, read without loading anything that may fail.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { PROJECT_ROOT } from '../io/project.js';

/** Like "^20.19 || ^22": of each release line this version or a later one. */
const ALLOWED: string = JSON.parse(readFileSync(path.join(PROJECT_ROOT, 'package.json'), 'utf8')).engines
  .node;

/**
 * What is wrong with a version of Node, in one line, or undefined if it will do.
 *
 * @param version as in `process.versions.node`
 */
export function nodeVersionProblem(version: string): string | undefined {
  const [major, minor] = version.split('.').map(Number);
  const lines = ALLOWED.split(' || ').map((line) => line.replace('^', ''));
  for (const line of lines) {
    const [allowed, from = 0] = line.split('.').map(Number);
    if (major === allowed && minor! >= from) return undefined;
  }
  const named = lines.join(', ');
  return `Node ${version} cannot be used. Install one of ${named}, or a later one of the same line, and run this again.`;
}
