// The part of d3-contour that is used here (the package has no types of its own).
declare module 'd3-contour' {
  interface Contour {
    type: 'MultiPolygon';
    /** Where the values are above this. */
    value: number;
    /** Polygons, each a ring and the rings of its holes, in places of the grid: the first value is that of [0.5, 0.5]. */
    coordinates: [number, number][][][];
  }
  interface Contours {
    (values: readonly number[]): Contour[];
    size(size: [columns: number, rows: number]): this;
    thresholds(thresholds: readonly number[]): this;
  }
  export function contours(): Contours;
}
