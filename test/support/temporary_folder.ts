// Folders that a test needs while it runs.
import { rmSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

let folders: string[] = [];

/** A new empty folder, removed after the file of tests, or when the program ends. */
export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), 'labelnoise-test-'));
  folders.push(folder);
  return folder;
}

process.once('exit', () => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

/** Mocha's, which gives its processes a second to end: too little for the folders of many files. */
export const mochaHooks = {
  async afterAll() {
    const made = folders;
    folders = [];
    await Promise.all(made.map((folder) => rm(folder, { recursive: true, force: true, maxRetries: 5 })));
  },
};
