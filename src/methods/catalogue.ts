// The methods of the benchmark, each as three independent choices. A new method is one more entry.

/** A training method as data. */
export interface Method {
  /** How suites, records and CSV call it. */
  name: string;
  /** As in the paper's table. */
  title: string;
  /** What is learned: the noisy labels, or the labels another method's network predicts (bootstrap). */
  labels: 'noise' | { predictionsOf: string };
  /** What happens to a batch. `mixup` (Zhang et al., 2018) takes the setting `alpha`. */
  batch: 'plain' | 'mixup';
  /** How the gradient is taken. `sam` (Foret et al., 2021) takes the settings `rho` and, if wanted, `m`. */
  gradient: 'plain' | 'sam';
}

/** In the order of the paper's Table 4; tables keep it. */
export const METHODS: readonly Method[] = [
  { name: 'sgd', title: 'SGD', labels: 'noise', batch: 'plain', gradient: 'plain' },
  { name: 'mixup', title: 'Mixup', labels: 'noise', batch: 'mixup', gradient: 'plain' },
  {
    name: 'bootstrap-mixup',
    title: 'Bootstrap + Mixup',
    labels: { predictionsOf: 'mixup' },
    batch: 'mixup',
    gradient: 'plain',
  },
  { name: 'sam', title: 'SAM', labels: 'noise', batch: 'plain', gradient: 'sam' },
  {
    name: 'bootstrap-sam',
    title: 'Bootstrap + SAM',
    labels: { predictionsOf: 'sam' },
    batch: 'plain',
    gradient: 'sam',
  },
];

const VARIANT = '@';

/** The method that a suite's `sam@rho 0.2` is a variant of: `sam`. */
export function baseName(name: string): string {
  return name.split(VARIANT, 1)[0]!;
}

/**
 * The method of that name; a variant, as a suite may have several of one method, keeps its own name and a title that tells it apart.
 *
 * @throws Error if there is none: names from outside are checked by the suite's schema
 */
export function methodNamed(name: string): Method {
  const base = baseName(name);
  const method = METHODS.find((m) => m.name === base);
  if (!method) throw new Error(`no method named ${name}`);
  if (name === base) return method;
  return { ...method, name, title: `${method.title} (${name.slice(base.length + VARIANT.length)})` };
}

/** What a method's teacher is called beside it: the same variant. */
export function sameVariant(of: string, name: string): string {
  return of + name.slice(baseName(name).length);
}
