// Where downloads are kept between clones: the data set and the TensorFlow libraries.
import path from 'node:path';
import envPaths from 'env-paths';

/** The cache folder: `LABELNOISE_CACHE` if set, else the platform's usual one. Not created here. */
export function cacheFolder(...parts: string[]): string {
  return path.join(process.env.LABELNOISE_CACHE || envPaths('labelnoise', { suffix: '' }).cache, ...parts);
}
