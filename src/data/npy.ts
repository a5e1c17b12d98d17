// NumPy's .npy format (numpy.lib.format): arrays of labels, and tables of scores.

const MAGIC = Buffer.from('\x93NUMPY', 'latin1');
/** Where the header's text starts: after magic, version and the two bytes of its length. */
const HEADER_START = 10;

/** How a little-endian (or one-byte) element of each readable dtype is read. */
const READERS: Record<string, { bytes: number; read: (data: Buffer, at: number) => number }> = {
  '<i8': { bytes: 8, read: (data, at) => Number(data.readBigInt64LE(at)) },
  '<i4': { bytes: 4, read: (data, at) => data.readInt32LE(at) },
  '|u1': { bytes: 1, read: (data, at) => data.readUInt8(at) },
};

/** An int64 array of shape (n,): the dtype that PyTorch and others expect of class labels. */
export function npyOf(values: Uint8Array | Int32Array): Buffer {
  const data = Buffer.alloc(values.length * 8);
  for (const [i, value] of values.entries()) data.writeBigInt64LE(BigInt(value), i * 8);
  return withHeader('<i8', `${values.length},`, data);
}

/** An array of bytes of this shape, as images are. */
export function npyOfBytes(values: Uint8Array, shape: readonly number[]): Buffer {
  return withHeader('|u1', shape.join(', '), values);
}

/** An array of float32 of this shape, in the order of C. */
export function npyOfFloats(values: Float32Array, shape: readonly number[]): Buffer {
  const data = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  // NumPy writes a tuple of one with a comma.
  return withHeader('<f4', shape.length === 1 ? `${shape[0]},` : shape.join(', '), data);
}

function withHeader(dtype: string, shape: string, data: Uint8Array): Buffer {
  const header = `{'descr': '${dtype}', 'fortran_order': False, 'shape': (${shape}), }`;
  // the format wants the data to start at a multiple of 64 and the header to end in a newline
  const start = Math.ceil((HEADER_START + header.length + 1) / 64) * 64;
  const npy = Buffer.alloc(start);
  MAGIC.copy(npy);
  npy.writeUInt8(1, 6);
  npy.writeUInt16LE(start - HEADER_START, 8);
  npy.write(`${header.padEnd(start - HEADER_START - 1)}\n`, HEADER_START, 'latin1');
  return Buffer.concat([npy, data]);
}

/**
 * Reads an array of shape (n,) and dtype int64, int32 or uint8.
 *
 * @throws Error saying what was found and what is right
 */
export function parseNpy(npy: Buffer): number[] {
  const { dtype, shape, data } = headerOf(npy);
  const reader = READERS[dtype];
  if (!reader) throw new Error(`has dtype ${dtype}; it must be int64 (<i8), int32 (<i4) or uint8 (|u1)`);
  const count = /^(\d+),$/.exec(shape.trim())?.[1];
  if (count === undefined) throw new Error(`has shape (${shape}); it must have one dimension`);
  checkSize(npy.length - data, Number(count), reader.bytes);
  return Array.from({ length: Number(count) }, (_, i) => reader.read(npy, data + i * reader.bytes));
}

/** How a little-endian element of each dtype of scores is read. */
const SCORE_READERS: typeof READERS = {
  '<f8': { bytes: 8, read: (data, at) => data.readDoubleLE(at) },
  '<f4': { bytes: 4, read: (data, at) => data.readFloatLE(at) },
};

/**
 * Reads a table of scores of shape (n, columns) and dtype float32 or float64, in either order of NumPy's; undefined
 * where the array has one dimension.
 *
 * @throws Error saying what was found and what is right
 */
export function parseNpyScores(npy: Buffer): number[][] | undefined {
  const { dtype, shape, isFortran, data } = headerOf(npy);
  const [, rowCount, columnCount] = /^(\d+), *(\d+)$/.exec(shape.trim()) ?? [];
  if (rowCount === undefined || columnCount === undefined) {
    if (/^\d+,$/.test(shape.trim())) return undefined;
    throw new Error(`has shape (${shape}); it must be (n,) for labels or (n, classes) for scores`);
  }
  const reader = SCORE_READERS[dtype];
  if (!reader) throw new Error(`has dtype ${dtype}; scores must be float32 (<f4) or float64 (<f8)`);
  const [rows, columns] = [Number(rowCount), Number(columnCount)];
  checkSize(npy.length - data, rows * columns, reader.bytes);
  const place = (row: number, column: number) => (isFortran ? column * rows + row : row * columns + column);
  return Array.from({ length: rows }, (_, row) =>
    Array.from({ length: columns }, (_, column) =>
      reader.read(npy, data + place(row, column) * reader.bytes),
    ),
  );
}

/** What the header says, and where the data begins. */
function headerOf(npy: Buffer): { dtype: string; shape: string; isFortran: boolean; data: number } {
  const version = npy[6];
  if (!npy.subarray(0, MAGIC.length).equals(MAGIC) || npy.length < HEADER_START + 2) {
    throw new Error('is not a .npy file');
  }
  // version 1.0 gives the header's length in two bytes, later ones in four
  const start = version === 1 ? HEADER_START : HEADER_START + 2;
  const data = start + (version === 1 ? npy.readUInt16LE(8) : npy.readUInt32LE(8));
  const header = npy.toString('latin1', start, data);
  return {
    dtype: /'descr': *'([^']*)'/.exec(header)?.[1] ?? 'of several fields',
    shape: /'shape': *\(([^)]*)\)/.exec(header)?.[1] ?? '?',
    isFortran: /'fortran_order': *True/.test(header),
    data,
  };
}

function checkSize(found: number, count: number, bytes: number): void {
  if (found !== count * bytes)
    throw new Error(`has ${found} bytes of data; ${count} values need ${count * bytes}`);
}
