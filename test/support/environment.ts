// The environment of a process that runs many tests.

/** @returns what makes the environment as it is now again; another object in its place would be unknown to native code, which then has what was set last */
export function keptEnvironment(): () => void {
  const before = { ...process.env };
  return () => {
    for (const name of Object.keys(process.env)) if (!(name in before)) delete process.env[name];
    Object.assign(process.env, before);
  };
}
