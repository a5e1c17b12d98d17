// Which versions of Node the engine runs on. Imports nothing, so that it can speak before anything fails to load.

/**
 * What is wrong with a version of Node, in one line, or undefined if it will do.
 *
 * @param version as in `process.versions.node`
 */
export function nodeVersionProblem(version: string): string | undefined {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  if (major > 20 ? major < 23 : major === 20 && minor >= 19) return undefined;
  const why = major >= 23 ? ': TensorFlow.js 4.22 calls a function that Node 23 removed' : '';
  return `Node ${version} cannot be used${why}. Install Node 22, or 20.19 or later of Node 20, and run this again.`;
}
