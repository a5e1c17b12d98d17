// NumPy's .npy arrays of more than one dimension: tables of numbers, and images.

/** A header's fields as NumPy writes them. */
export interface NpyArray {
  dtype: string;
  shape: number[];
  isFortran: boolean;
  /** Where the values begin. */
  start: number;
}

/** The longest header: NumPy's are of 118 bytes but for arrays of many fields. */
const HEADER_BYTES = 10_000;

/** Reads the header of an array, of which the first bytes are enough. @throws Error saying what was found and what is right */
export function npyHeader(bytes: Uint8Array): NpyArray {
  const npy = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (npy.length < 12 || npy.toString('latin1', 0, 6) !== '\x93NUMPY') throw new Error('is no .npy array');
  const isFirst = npy[6] === 1;
  const begin = isFirst ? 10 : 12;
  const start = begin + (isFirst ? npy.readUInt16LE(8) : npy.readUInt32LE(8));
  if (start > HEADER_BYTES || start > npy.length) throw new Error('has a header that does not end');
  const header = npy.toString('latin1', begin, start);
  const shape = /'shape': *\(([\d, ]*)\)/.exec(header)?.[1];
  if (shape === undefined) throw new Error('has a header without a shape');
  return {
    dtype: /'descr': *'([^']*)'/.exec(header)?.[1] ?? 'of several fields',
    shape: shape.split(',').flatMap((n) => (n.trim() ? [Number(n)] : [])),
    isFortran: /'fortran_order': *True/.test(header),
    start,
  };
}

/** How numbers of each dtype are read. */
const READERS: Record<string, { bytes: number; read: (data: Buffer, at: number) => number }> = {
  '<f8': { bytes: 8, read: (data, at) => data.readDoubleLE(at) },
  '<f4': { bytes: 4, read: (data, at) => data.readFloatLE(at) },
};

/** Reads a table of float64 or float32, [rows, columns]. @throws Error saying what was found and what is right */
export function parseNpyTable(bytes: Buffer): number[][] {
  const { dtype, shape, isFortran, start } = npyHeader(bytes);
  const reader = READERS[dtype];
  if (!reader) throw new Error(`has dtype ${dtype}; allowed: float64 (<f8) or float32 (<f4)`);
  const [rows, columns] = shape;
  if (shape.length !== 2 || !rows || !columns)
    throw new Error(`has shape (${shape.join(', ')}); allowed: two dimensions`);
  if (bytes.length !== start + rows * columns * reader.bytes)
    throw new Error(
      `has ${bytes.length - start} bytes of data; ${rows} x ${columns} values need ${rows * columns * reader.bytes}`,
    );
  const at = (row: number, column: number) => (isFortran ? column * rows + row : row * columns + column);
  return Array.from({ length: rows }, (_, row) =>
    Array.from({ length: columns }, (_, column) =>
      reader.read(bytes, start + at(row, column) * reader.bytes),
    ),
  );
}
