// The part of jStat that is used here (the package has no types of its own).
declare module 'jstat' {
  interface Distribution<Parameters extends number[]> {
    cdf(x: number, ...parameters: Parameters): number;
    /** The quantile: where the distribution function is p. */
    inv(p: number, ...parameters: Parameters): number;
  }
  const jstat: {
    normal: Distribution<[mean: number, std: number]>;
    studentt: Distribution<[degreesOfFreedom: number]>;
    noncentralt: Pick<Distribution<[degreesOfFreedom: number, noncentrality: number]>, 'cdf'>;
  };
  export = jstat;
}
