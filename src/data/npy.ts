// NumPy's .npy format, version 1.0 (numpy.lib.format), for one-dimensional integer arrays.

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
export function npyOf(values: Uint8Array): Buffer {
  const header = `{'descr': '<i8', 'fortran_order': False, 'shape': (${values.length},), }`;
  // the format wants the data to start at a multiple of 64 and the header to end in a newline
  const start = Math.ceil((HEADER_START + header.length + 1) / 64) * 64;
  const npy = Buffer.alloc(start + values.length * 8);
  MAGIC.copy(npy);
  npy.writeUInt8(1, 6);
  npy.writeUInt16LE(start - HEADER_START, 8);
  npy.write(`${header.padEnd(start - HEADER_START - 1)}\n`, HEADER_START, 'latin1');
  for (const [i, value] of values.entries()) npy.writeBigInt64LE(BigInt(value), start + i * 8);
  return npy;
}

/**
 * Reads an array of shape (n,) and dtype int64, int32 or uint8.
 *
 * @throws Error saying what was found and what is right
 */
export function parseNpy(npy: Buffer): number[] {
  const version = npy[6];
  if (!npy.subarray(0, MAGIC.length).equals(MAGIC) || npy.length < HEADER_START + 2) {
    throw new Error('is not a .npy file');
  }
  // version 1.0 gives the header's length in two bytes, later ones in four
  const start = version === 1 ? HEADER_START : HEADER_START + 2;
  const data = start + (version === 1 ? npy.readUInt16LE(8) : npy.readUInt32LE(8));
  const header = npy.toString('latin1', start, data);
  const dtype = /'descr': *'([^']*)'/.exec(header)?.[1] ?? 'of several fields';
  const shape = /'shape': *\(([^)]*)\)/.exec(header)?.[1] ?? '?';
  const reader = READERS[dtype];
  if (!reader) throw new Error(`has dtype ${dtype}; it must be int64 (<i8), int32 (<i4) or uint8 (|u1)`);
  const count = /^(\d+),$/.exec(shape.trim())?.[1];
  if (count === undefined) throw new Error(`has shape (${shape}); it must have one dimension`);
  if (npy.length !== data + Number(count) * reader.bytes) {
    throw new Error(
      `has ${npy.length - data} bytes of data; ${count} values need ${Number(count) * reader.bytes}`,
    );
  }
  return Array.from({ length: Number(count) }, (_, i) => reader.read(npy, data + i * reader.bytes));
}
