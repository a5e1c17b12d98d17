// `make licences`: lists what the project depends on by licence, and fails if one is not compatible.
import { isCompatible, packagesByLicence } from './support/licences.js';

for (const [licence, packages] of [...packagesByLicence()].sort()) {
  console.log(`${isCompatible(licence) ? '' : 'NOT COMPATIBLE: '}${licence}: ${packages.join(', ')}`);
  if (!isCompatible(licence)) process.exitCode = 1;
}
