// The part of d3-3d that is used here (the version that can be bundled has no types of its own).
declare module 'd3-3d' {
  interface Point3D {
    x: number;
    y: number;
    z: number;
  }
  /** A point as given, and where it is seen. */
  type Seen<P> = P & { rotated: Point3D; projected: { x: number; y: number } };
  /** Makes shapes of points, as they are seen from somewhere. Angles in radians. */
  export interface Generator<Given, Shapes> {
    (data: Given): Shapes;
    origin(at: { x: number; y: number }): this;
    scale(pixels: number): this;
    rotateX(angle: number): this;
    rotateY(angle: number): this;
    /** Points in a row of a grid. */
    rows(count: number): this;
  }
  /** Quadrilaterals between the points of a grid, given row by row. */
  export function gridPlanes3D<P extends Point3D>(): Generator<P[], (Seen<P>[] & { centroid: Point3D })[]>;
  export function points3D<P extends Point3D>(): Generator<P[], Seen<P>[]>;
}
