// What a figure needs of the plotting library: a seam, because the page is rendered where there is no browser, too.
import { createContext } from 'preact';
import type {
  LineData,
  SeenData,
  SeenQuantity,
  SharpnessData,
  SpectrumData,
  WatchedData,
  WatchedQuantity,
} from '../analysis_data.js';
import type {
  CellData,
  CurveData,
  CurveQuantity,
  FitData,
  MethodData,
  NoiseSettingData,
  RhoData,
  RunData,
} from '../page_data.js';

/** A drawn figure, and what can be read from it along x. */
export interface Drawing {
  figure: Element;
  reading?: Reading;
}

/** The values at each position along x, for pointer and keyboard. */
export interface Reading {
  /** Positions in ascending order. */
  xs: readonly number[];
  /** Pixels from the left, in a figure as wide as it was drawn. */
  pixel(x: number): number;
  title(x: number): string;
  rows(x: number): ReadingRow[];
}

export interface ReadingRow {
  label: string;
  /** CSS colour of its line. */
  colour: string;
  text: string;
}

/** A line of the curves figure: a method in a folder. */
export interface CurveLine {
  method: MethodData;
  folder: string;
  /** Which folder of the page: decides the dashes. */
  place: number;
  curves: readonly CurveData[];
}

/** A line of the figure of accuracy against noise; means and halves of intervals by noise setting. */
export interface AccuracyLine {
  title: string;
  style: number;
  isExternal: boolean;
  values: readonly { noiseSetting: string; mean: number | null; half: number | null; paper: number | null }[];
}

/** A method in the figure of accuracy against cost. */
export interface CostPoint {
  title: string;
  style: number;
  cost: number;
  mean: number;
  half: number | null;
}

/** From the lowest to the highest value that is drawn with one shade. */
export interface Range {
  low: number;
  high: number;
  /** Whether orders of magnitude are drawn evenly. */
  isLog: boolean;
}

/** From where a body is seen, in radians. */
export interface View {
  yaw: number;
  /** 0 is from the side, pi / 2 from above. */
  pitch: number;
}

/** What is drawn of a surface, whose values are given row by row; null is not finite. */
export interface SurfaceDrawing {
  /** @param at places along either direction */
  contours(at: readonly number[], values: readonly (number | null)[], range: Range, width: number): Drawing;
  body(values: readonly (number | null)[], range: Range, view: View, width: number): Element;
}

/** The figures of the page, each for a width in pixels. */
export interface Drawings extends SurfaceDrawing {
  /** Accuracy against noise, one line a method: ours solid, the paper's dashed, external ones dotted. */
  accuracy(
    lines: readonly AccuracyLine[],
    noiseSettings: readonly NoiseSettingData[],
    shown: { ours: boolean; paper: boolean },
    width: number,
  ): Drawing;
  /** Accuracy against cost, a point a method, and the best to be had for so much. */
  cost(points: readonly CostPoint[], width: number): Drawing;
  /** One method's accuracy against noise, one line a folder, the paper's dashed. */
  comparison(
    noiseSettings: readonly NoiseSettingData[],
    folders: readonly { name: string; cells: readonly CellData[] }[],
    hasPaper: boolean,
    width: number,
  ): Drawing;
  /** A quantity against the epoch. */
  curves(lines: readonly CurveLine[], quantity: CurveQuantity, epochs: number, width: number): Drawing;
  /** What became of the wrong labels, epoch by epoch, of a method's seeds. */
  fates(curves: readonly CurveData[], epochs: number, width: number): Drawing;
  /** Losses of right and of wrong labels. */
  losses(losses: NonNullable<FitData['losses']>, width: number): Drawing;
  /** counts[row][column] of classes as shares of their rows. */
  matrix(
    counts: readonly (readonly number[])[],
    classNames: readonly string[],
    titles: readonly [row: string, column: string],
    width: number,
  ): Drawing;
  /** The density of the Hessian's eigenvalues, a line for each seed of a method. */
  spectrum(lines: readonly { method: MethodData; spectra: SpectrumData['of'] }[], width: number): Drawing;
  /** Sharpness against rho, the mean over seeds and their range. */
  sharpness(lines: readonly { method: MethodData; points: SharpnessData['of'] }[], width: number): Drawing;
  /** What was watched during training: the first quantity solid, a second dashed. */
  watched(
    lines: readonly { method: MethodData; runs: readonly WatchedData[] }[],
    quantities: readonly WatchedQuantity[],
    width: number,
  ): Drawing;
  /** Losses or accuracies on the lines between runs of the same two methods, one a seed. */
  line(
    lines: readonly LineData[],
    quantity: SeenQuantity,
    ends: readonly [from: string, to: string],
    width: number,
  ): Drawing;
  /** Losses or accuracies along random directions: each of them, and their mean. */
  profile(
    lines: readonly { method: MethodData; walks: readonly { at: number[]; seen: SeenData }[] }[],
    quantity: SeenQuantity,
    width: number,
  ): Drawing;
  /** A percentage over rho and noise with one m, shaded as in the other panels of the method. */
  rho(
    grid: RhoData,
    panel: RhoData['panels'][number],
    quantity: 'mean' | 'fitted',
    noiseSettings: readonly NoiseSettingData[],
    width: number,
  ): Drawing;
  runGraph(
    runs: readonly RunData[],
    methods: readonly MethodData[],
    noiseSettings: readonly NoiseSettingData[],
    width: number,
  ): Drawing;
  /** The line and marker of a method, for a legend. */
  methodKey(style: number, isExternal?: boolean): Element;
  /** A patch of this colour. */
  patchKey(colour: string): Element;
  /** The line of a folder: its colour among its like, or its dashes among methods' colours. */
  folderKey(place: number, coloured: boolean): Element;
  paperKey(): Element;
}

/** Undefined where the page is rendered as text. */
export const DrawingsContext = createContext<Drawings | undefined>(undefined);
