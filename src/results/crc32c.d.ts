// The part of crc-32 that is used here (the package has types for its other half only).
declare module 'crc-32/crc32c.js' {
  const crc32c: {
    /** The CRC-32C of these bytes, as a signed 32-bit number. */
    buf(bytes: Uint8Array): number;
  };
  export default crc32c;
}
