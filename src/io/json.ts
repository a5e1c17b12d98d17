// JSON that people write, read with the faults named that JSON.parse passes over: keys given twice, numbers too large, depth.
import jsonc = require('jsonc-parser');

import { InputError } from '../spec/errors.js';
import { JSON_DEPTH } from '../spec/limits.js';
import { fieldPath } from '../spec/problem.js';

/**
 * Reads a text of JSON, with or without a byte order mark.
 *
 * @param file what to call it in errors
 * @throws InputError if it is no JSON, has a key twice in an object or a number that no double can be, or is nested too deeply
 */
export function parseJson(text: string, file: string): unknown {
  const json = text.replace(/^\uFEFF/, '');
  /** Of each object or list that is open: the keys so far, by their lines. */
  const open: Map<string, number>[] = [];
  const begin: jsonc.JSONVisitor['onArrayBegin'] = (_offset, _length, line) => {
    if (open.push(new Map()) > JSON_DEPTH)
      throw new InputError(
        `${file}: is nested ${open.length} levels deep in line ${line + 1}; allowed: at most ${JSON_DEPTH}`,
      );
  };
  const end = () => {
    open.pop();
  };
  jsonc.visit(
    json,
    {
      onObjectBegin: (...place) => begin(...place),
      onObjectEnd: end,
      onArrayBegin: begin,
      onArrayEnd: end,
      onObjectProperty(key, _offset, _length, line, _character, path) {
        const before = open.at(-1)!.get(key);
        if (before !== undefined)
          throw new InputError(
            `${file}: ${fieldPath([...path(), key])} is given twice, in lines ${before + 1} and ${line + 1}; allowed: once`,
          );
        open.at(-1)!.set(key, line);
      },
      onLiteralValue(value, offset, length, _line, _character, path) {
        if (typeof value === 'number' && !Number.isFinite(value))
          throw new InputError(
            `${file}: ${fieldPath(path())} is ${json.slice(offset, offset + length)}; allowed: numbers up to ${Number.MAX_VALUE}`,
          );
      },
      onError(code, _offset, _length, line, character) {
        const fault = jsonc
          .printParseErrorCode(code)
          .replace(/(?<=[a-z])[A-Z]/g, (c) => ` ${c.toLowerCase()}`);
        throw new InputError(
          `${file}: is not JSON: ${fault.toLowerCase()} in line ${line + 1}, column ${character + 1}`,
        );
      },
    },
    { disallowComments: true },
  );
  try {
    return JSON.parse(json);
  } catch (error) {
    throw new InputError(`${file}: is not JSON: ${(error as Error).message}`);
  }
}
