// The methods of the benchmark, and how suites, specs and tables refer to them. A new method is one more file and one more name here.
import { Registry } from '../spec/registry.js';
import { canonicalJson, type MethodSpec, type RunSpec } from '../spec/run_spec.js';
import { asam } from './asam.js';
import { bootstrap } from './bootstrap.js';
import { coTeaching } from './co_teaching.js';
import { divideMix } from './divide_mix.js';
import { elr } from './elr.js';
import { epsSoftmax } from './eps_softmax.js';
import { forwardCorrection } from './forward_correction.js';
import { gce, truncatedGce } from './gce.js';
import { gsam } from './gsam.js';
import { incv } from './incv.js';
import { labelSmoothing } from './label_smoothing.js';
import { lastLayerL2 } from './last_layer_l2.js';
import { mDyrH } from './m_dyr_h.js';
import { mentorMix, mentorNet } from './mentornet.js';
import type { Method } from './method.js';
import { mixup } from './mixup.js';
import { mixupSam } from './mixup_sam.js';
import { o2uNet } from './o2u_net.js';
import { rog } from './rog.js';
import { sam } from './sam.js';
import { samEveryK } from './sam_every_k.js';
import { jacobianSam, logitSam } from './sam_terms.js';
import { saner } from './saner.js';
import { selc } from './selc.js';
import { sgd } from './sgd.js';
import { symmetricCrossEntropy } from './symmetric_cross_entropy.js';
import { unnormalisedSam } from './unnormalised_sam.js';

/** Losses, optimisers of SAM's kind, loops, and pairs of networks, each group about in the order of its years. */
const FIELD = [
  ...[labelSmoothing, forwardCorrection, gce, truncatedGce, symmetricCrossEntropy, elr, selc, epsSoftmax],
  ...[mixupSam, asam, unnormalisedSam, gsam, samEveryK, saner, jacobianSam, logitSam, lastLayerL2],
  ...[mentorNet, rog, mDyrH, o2uNet, mentorMix],
  ...[coTeaching, incv, divideMix],
] as unknown as Method[];

/** First those of the paper's Table 4, in its order; then those of the field, then what is learned from their predictions. Tables keep the order. */
export const METHODS = new Registry<Method>(
  'method',
  ...[sgd, mixup, bootstrap(mixup), sam, bootstrap(sam)],
  ...FIELD,
  ...[sgd as Method, ...FIELD].map(bootstrap),
);

const VARIANT = '@';
/** A user's file, whose path may have the same sign in it. */
const FILE = /^\.{0,2}\/.*?\.(?:m?js|ts)(?=@|$)/;

/** The method that a suite's `sam@rho 0.2` is a variant of: `sam`. */
export function baseName(name: string): string {
  return FILE.exec(name)?.[0] ?? name.split(VARIANT, 1)[0]!;
}

/** The method that a name of a suite's is, or is a variant of. @throws Error if there is none: names from outside are checked by the suite's schema */
export function methodNamed(name: string): Method {
  return METHODS.named(baseName(name));
}

/** A method's name in print; a variant, as a suite may have several of one method, is told apart. */
export function methodTitle(name: string): string {
  const base = baseName(name);
  const { title } = methodNamed(name);
  return name === base ? title : `${title} (${name.slice(base.length + VARIANT.length)})`;
}

/** What a method's teacher is called beside it: the same variant. */
export function sameVariant(of: string, name: string): string {
  return of + name.slice(baseName(name).length);
}

/** What a run's spec says of the method and its settings. */
export function methodSpec(method: Method, settings: Record<string, unknown>): MethodSpec {
  if (method.parts) return method.parts(settings);
  return { method: { name: method.name, settings, ...METHODS.sourceOf(method) } };
}

/**
 * The method and settings that a run's spec tells of.
 *
 * @throws Error if no known method is meant
 */
export function methodOfSpec(spec: Pick<RunSpec, keyof MethodSpec | 'labels'>): {
  method: Method;
  settings: Record<string, unknown>;
} {
  if (spec.method) {
    const { name, source, settings } = spec.method;
    return { method: METHODS.inSpec(name, source), settings };
  }
  const { batch, gradient } = spec;
  const { kind: _, ...settings } = { ...batch, ...gradient };
  const text = canonicalJson({ batch, gradient });
  const isStudent = spec.labels.from === 'predictions';
  const method = METHODS.entries.find(
    (m) => m.parts && !!m.teacher === isStudent && canonicalJson(m.parts(settings)) === text,
  );
  if (!method) throw new Error(`no method is known by the parts ${text}`);
  return { method, settings };
}
