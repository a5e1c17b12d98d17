// The licences of everything in node_modules, as npm's bill of materials has them (npm sbom; needs no network).
import { execFileSync } from 'node:child_process';
import { PROJECT_ROOT } from '../../src/io/project.js';

/**
 * What may stand beside code under the MIT licence: permissive licences, those of mere data (spdx-exceptions), and that of
 * axe-core, which the tests use unchanged.
 */
const COMPATIBLE = new Set([
  '0BSD',
  'Apache-2.0',
  'BlueOak-1.0.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'CC-BY-3.0',
  'CC0-1.0',
  'ISC',
  'MIT',
  'MPL-2.0',
  'PSF-2.0',
  'Unlicense',
]);

/** The parts of a bill of materials (CycloneDX) that are read here. */
interface Component {
  name: string;
  version: string;
  licenses?: ({ license: { id?: string; name?: string } } | { expression: string })[];
}

/** Packages, `name@version`, by their licence; `none` where they name none. */
export function packagesByLicence(): Map<string, string[]> {
  const bill = execFileSync('npm', ['sbom', '--sbom-format=cyclonedx'], {
    cwd: PROJECT_ROOT,
    encoding: 'utf8',
    maxBuffer: 1e8,
  });
  const { components }: { components: Component[] } = JSON.parse(bill);
  const packages = new Map<string, string[]>();
  for (const { name, version, licenses = [] } of components) {
    const names = licenses.map((one) =>
      'expression' in one ? one.expression : (one.license.id ?? one.license.name ?? 'none'),
    );
    const licence = names.join(' AND ') || 'none';
    packages.set(licence, [...(packages.get(licence) ?? []), `${name}@${version}`]);
  }
  return packages;
}

/** Whether a licence, or each part of an expression of several, is compatible. */
export function isCompatible(licence: string): boolean {
  return licence.split(/[()\s]+|\b(?:AND|OR)\b/).every((part) => part === '' || COMPATIBLE.has(part));
}
