// What the project is made of: licences that go with its own, and packages that are what they were when they were chosen.
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { PROJECT_ROOT } from '../src/io/project.js';
import { isCompatible, packagesByLicence } from './support/licences.js';

describe('dependencies', () => {
  it('have licences that are compatible with MIT', () => {
    const found = packagesByLicence();
    expect([...found.values()].flat().length).to.be.above(100);
    expect([...found].filter(([licence]) => !isCompatible(licence))).to.deep.equal([]);
    for (const licence of ['GPL-3.0-only', 'MIT AND AGPL-3.0-only', '(MIT OR SSPL-1.0)', 'none'])
      expect(isCompatible(licence), licence).to.equal(false);
  });

  it('are locked by their hashes, whatever registry they come from, and run no scripts when installed', async () => {
    const read = (file: string) => readFile(path.join(PROJECT_ROOT, file), 'utf8');
    const { packages } = JSON.parse(await read('package-lock.json'));
    const locked = Object.entries<{ integrity?: string; resolved?: string }>(packages).slice(1);
    for (const [name, { integrity, resolved }] of locked) {
      expect(integrity, name).to.match(/^sha512-/);
      expect(resolved, name).to.equal(undefined);
    }
    expect(await read('.npmrc')).to.include('ignore-scripts=true');
  });

  it('are required where they are large CommonJS: imported, Node would parse them first, a fifth of a start', async () => {
    const compiled = path.join(PROJECT_ROOT, 'dist', 'src');
    // Pages are bundled for browsers.
    const files = (await readdir(compiled, { recursive: true })).filter(
      (name) => name.endsWith('.js') && !name.startsWith(path.join('report', 'page')),
    );
    const texts = await Promise.all(files.map((file) => readFile(path.join(compiled, file), 'utf8')));
    const imports = /^(?:import|export) [^'\n]*?from '([a-z@][^':]*)';$/gm;
    const packages = new Set(texts.flatMap((text) => [...text.matchAll(imports)].map(([, name]) => name!)));
    const isLarge = async (name: string) => {
      const text = await readFile(fileURLToPath(import.meta.resolve(name)), 'utf8');
      return !/(^|[;}\s])(import|export)[\s{*]/.test(text) && text.length > 10_000;
    };
    expect([...packages]).to.include('zod');
    expect(await isLarge('jstat')).to.equal(true);
    for (const name of packages) expect(await isLarge(name), name).to.equal(false);
  });
});
