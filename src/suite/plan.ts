// What a command is asked to train: a suite by its name or file, or a part of it, ready to be executed.
import { expand, type RunGraph } from './expand.js';
import { loadSuite } from './load.js';
import { type LabelSets, type Resolver, resolveSuite } from './resolve.js';
import { type Selection, select, withSeeds } from './select.js';

export interface Plan {
  /** The whole suite's runs: what tables are of. */
  whole: RunGraph;
  /** The runs to train: the whole suite's, or the chosen part of them. */
  graph: RunGraph;
  labelSets: LabelSets;
}

/** Loads, resolves and expands a suite, and chooses of it. @throws InputError for a bad suite, label file or selection */
export async function planOf(nameOrPath: string, selection: Selection, resolver: Resolver): Promise<Plan> {
  const resolved = await resolveSuite(await loadSuite(nameOrPath), resolver);
  const whole = expand(withSeeds(resolved.suite, selection));
  return { whole, graph: select(whole, selection), labelSets: resolved.labelSets };
}
