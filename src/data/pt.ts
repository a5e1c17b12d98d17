// PyTorch's .pt files as far as CIFAR-10N uses them: a zip whose pickle is a dictionary of one-dimensional int64 arrays.
import { type UnzipFileFilter, unzipSync } from 'fflate';
import { PICKLE_OPERATIONS } from '../spec/limits.js';

/** What may be on the pickle's stack; a call is kept as the name of what is called, and is never made. */
type Value = null | boolean | number | string | Call | Value[] | Map<string, Value>;
interface Call {
  name: string;
  arguments?: Value;
  /** What the object is then built from. */
  state?: Value;
}

/**
 * Reads the arrays of a .pt file. Only data is read: a pickle can call any function, this reader calls none.
 *
 * @returns the arrays by name
 * @throws Error if the file is not of the layout this reads
 */
export function parsePt(file: Uint8Array): Map<string, number[]> {
  let pickle: Uint8Array | undefined;
  let isCompressed = false;
  try {
    const filter: UnzipFileFilter = ({ name, compression }) => {
      if (!name.endsWith('/data.pkl')) return false;
      // A few kilobytes can be made to inflate to more than the memory holds.
      isCompressed = compression !== 0;
      return !isCompressed;
    };
    pickle = Object.values(unzipSync(file, { filter }))[0];
  } catch {
    // said below
  }
  if (isCompressed)
    throw new Error('is compressed, as torch.save never does it; save it anew with torch.save');
  if (!pickle) throw new Error('is not a .pt file of PyTorch 1.6 or later');
  try {
    const top = unpickle(Buffer.from(pickle));
    if (!(top instanceof Map)) throw new Error('its top is something else');
    return new Map(Array.from(top, ([key, value]) => [key, int64Array(value)]));
  } catch (error) {
    // What is not where the format has it is missed as something undefined.
    const detail = error instanceof TypeError ? 'its pickle is of another layout' : (error as Error).message;
    throw new Error(`does not hold a dictionary of one-dimensional int64 NumPy arrays (${detail})`);
  }
}

/** The opcodes (pickletools) that torch.save writes for a dictionary of NumPy arrays. */
function unpickle(pickle: Buffer): Value {
  const stack: Value[] = [];
  const marks: number[] = [];
  const memo: Value[] = [];
  let at = 0;
  const bytes = (count: number) => {
    if (count < 0 || at + count > pickle.length) throw new RangeError('the pickle ends too early');
    at += count;
    return pickle.subarray(at - count, at);
  };
  const line = () =>
    bytes(pickle.indexOf('\n', at) + 1 - at)
      .toString('latin1')
      .trimEnd();
  const tuple = (count: number) => stack.push(stack.splice(stack.length - count));
  const sinceMark = () => stack.splice(marks.pop()!);
  const opcodes: Record<string, () => void> = {
    '\x80': () => bytes(1),
    '}': () => stack.push(new Map()),
    '(': () => marks.push(stack.length),
    q: () => (memo[bytes(1).readUInt8()] = stack.at(-1)!),
    r: () => (memo[bytes(4).readUInt32LE()] = stack.at(-1)!),
    h: () => stack.push(memo[bytes(1).readUInt8()]!),
    j: () => stack.push(memo[bytes(4).readUInt32LE()]!),
    X: () => stack.push(bytes(bytes(4).readUInt32LE()).toString('utf8')),
    K: () => stack.push(bytes(1).readUInt8()),
    M: () => stack.push(bytes(2).readUInt16LE()),
    J: () => stack.push(bytes(4).readInt32LE()),
    N: () => stack.push(null),
    '\x88': () => stack.push(true),
    '\x89': () => stack.push(false),
    '\x85': () => tuple(1),
    '\x86': () => tuple(2),
    '\x87': () => tuple(3),
    t: () => stack.push(sinceMark()),
    c: () => stack.push({ name: `${line()}.${line()}` }),
    R: () => {
      const values = stack.pop()!;
      stack.push({ name: (stack.pop() as Call).name, arguments: values });
    },
    b: () => {
      const state = stack.pop()!;
      (stack.at(-1) as Call).state = state;
    },
    u: () => {
      const items = sinceMark();
      const map = stack.at(-1) as Map<string, Value>;
      for (let i = 0; i < items.length; i += 2) map.set(items[i] as string, items[i + 1]!);
    },
  };
  for (let done = 0; done < PICKLE_OPERATIONS; done++) {
    const opcode = bytes(1).toString('latin1');
    if (opcode === '.') return stack.pop()!;
    const run = opcodes[opcode];
    if (!run) throw new Error(`unexpected pickle opcode ${JSON.stringify(opcode)}`);
    run();
  }
  throw new Error(`it has more than ${PICKLE_OPERATIONS} operations`);
}

/** An array as NumPy pickles it: built from (version, shape, dtype, in Fortran order, the bytes as latin1 text). */
function int64Array(value: Value): number[] {
  const [, shape, dtype, , encoded] = (value as Call).state as [Value, number[], Call, Value, Call];
  const [type] = dtype.arguments as Value[];
  const [text] = encoded.arguments as Value[];
  if (shape.length !== 1 || type !== 'i8' || typeof text !== 'string') throw new Error(`found dtype ${type}`);
  const data = Buffer.from(text, 'latin1');
  return Array.from({ length: shape[0]! }, (_, i) => Number(data.readBigInt64LE(i * 8)));
}
