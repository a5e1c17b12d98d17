// What a figure needs of the plotting library: a seam, because the page is rendered where there is no browser, too.
import { createContext } from 'preact';
import type {
  CellData,
  CurveData,
  CurveQuantity,
  FitData,
  MethodData,
  NoiseSettingData,
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

/** The figures of the page, each for a width in pixels. */
export interface Drawings {
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
