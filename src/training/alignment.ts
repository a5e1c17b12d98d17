// How the gradients of rightly and of wrongly labelled examples go together (after Baek et al., 2024, who ask which of them SAM follows).
import type { Alignment } from '../spec/record.js';
import { dot, norm } from '../statistics/lanczos.js';
import type { Examples, Landscape, Pause, Point } from './landscape.js';

/**
 * The two parts of the gradient of the mean loss over all of these examples.
 *
 * @param right examples whose label is right @param wrong those whose label is not
 * @param rho radius of the ascent, along the gradient of all of them
 * @returns nothing where one of the two kinds is missing
 */
export async function alignmentOf(
  landscape: Landscape,
  right: Examples,
  wrong: Examples,
  at: Point,
  rho: number,
  pause?: Pause,
): Promise<Partial<Alignment>> {
  const [rights, wrongs] = [right, wrong].map(({ places }) => landscape.counted(places.length)) as [
    number,
    number,
  ];
  if (!rights || !wrongs) return {};
  const part = async (of: Examples, count: number, point: Point) => {
    const { gradient } = await landscape.gradient(of, point, pause);
    return gradient.map((value) => (value * count) / (rights + wrongs));
  };
  const here = [await part(right, rights, at), await part(wrong, wrongs, at)] as const;
  const whole = here[0].map((value, i) => value + here[1][i]!);
  const length = norm(whole);
  const parameters = at.parameters.map((value, i) => value + (length && (rho * whole[i]!) / length));
  const above = { ...at, parameters };
  const there = [await part(right, rights, above), await part(wrong, wrongs, above)] as const;
  return {
    ...{ rightGradient: norm(here[0]), wrongGradient: norm(here[1]), gradientCosine: cosine(...here) },
    ...{ rightAscended: norm(there[0]), wrongAscended: norm(there[1]), cosineAscended: cosine(...there) },
  };
}

function cosine(a: Float64Array, b: Float64Array): number {
  const lengths = norm(a) * norm(b);
  return lengths && dot(a, b) / lengths;
}
