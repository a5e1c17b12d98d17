// What became of the wrong labels: memorised, corrected or neither over the epochs; and losses of right and wrong labels.
import * as Plot from '@observablehq/plot';
import { LOSS_BIN, LOSS_BINS } from '../../../spec/record.js';
import type { Drawings } from '../drawing.js';
import { FATES, LABELS } from '../styles.js';
import { momentsOf } from './curves.js';
import { epochAxis, percentAxis, plotted, readable } from './frame.js';

const HEIGHT = 200;

export const fatesFigure: Drawings['fates'] = (curves, epochs, width) => {
  const memorised = momentsOf({ curves }, 'wrongLabelsFitted');
  const recovered = new Map(
    momentsOf({ curves }, 'trueLabelsRecovered').map(({ epoch, mean }) => [epoch, mean]),
  );
  const found = memorised.flatMap(({ epoch, mean }) => {
    const right = recovered.get(epoch);
    return right === undefined ? [] : [{ epoch, shares: [mean, Math.max(0, 100 - mean - right), right] }];
  });
  const bands = FATES.flatMap(({ colour }, i) =>
    found.map(({ epoch, shares }) => {
      const below = shares.slice(0, i).reduce((sum, share) => sum + share, 0);
      return { epoch, colour, i, from: below, to: below + shares[i]! };
    }),
  );
  const figure = plotted({
    width,
    height: HEIGHT,
    x: epochAxis(epochs, width),
    y: { domain: [0, 100] },
    marks: [
      Plot.areaY(bands, {
        x: 'epoch',
        y1: 'from',
        y2: 'to',
        z: 'i',
        fill: 'colour',
        fillOpacity: 0.75,
      }),
      // One evaluation makes no area.
      Plot.ruleX(found.length === 1 ? bands : [], {
        x: 'epoch',
        y1: 'from',
        y2: 'to',
        stroke: 'colour',
        strokeWidth: 12,
        strokeOpacity: 0.75,
      }),
      Plot.axisY({ ticks: 5, tickSize: 0, label: 'Wrongly labelled images, %', labelArrow: 'none' }),
    ],
  });
  return readable(
    figure,
    found.map(({ epoch }) => epoch),
    (epoch) => `Epoch ${epoch}`,
    (epoch) =>
      FATES.map(({ title, colour }, i) => ({
        label: title,
        colour,
        value: i,
        text: `${found.find((one) => one.epoch === epoch)!.shares[i]!.toFixed(1)} %`,
      })),
  );
};

export const lossesFigure: Drawings['losses'] = ({ right, wrong }, width) => {
  const sets = [right, wrong].map((counts) => {
    const all = counts.reduce((sum, n) => sum + n, 0);
    return counts.map((n) => (all ? (100 * n) / all : 0));
  }) as [number[], number[]];
  const bars = sets.flatMap((shares, set) =>
    shares.map((share, bin) => ({
      share,
      colour: LABELS[set]!.colour,
      from: bin * LOSS_BIN,
      to: (bin + 1) * LOSS_BIN,
    })),
  );
  const most = LOSS_BIN * LOSS_BINS;
  const figure = plotted({
    width,
    height: HEIGHT,
    x: {
      domain: [0, most],
      ticks: [0, 2, 4, 6, most],
      tickFormat: (loss: number) => (loss === most ? `${loss}+` : `${loss}`),
      tickSize: 0,
      label: 'Cross-entropy against the label learned',
      labelAnchor: 'center',
      labelArrow: 'none',
    },
    y: { domain: [0, Math.max(10, ...sets.flat())], nice: true },
    marks: [
      ...percentAxis('Labels of the kind, %'),
      Plot.rect(
        bars.filter(({ share }) => share > 0),
        {
          x1: 'from',
          x2: 'to',
          y1: 0,
          y2: 'share',
          fill: 'colour',
          fillOpacity: 0.55,
          insetLeft: 0.5,
        },
      ),
    ],
  });
  return readable(
    figure,
    right.map((_, bin) => (bin + 0.5) * LOSS_BIN),
    (x) => {
      const from = x - LOSS_BIN / 2;
      return from + LOSS_BIN < most ? `Loss ${from} to ${from + LOSS_BIN}` : `Loss ${from} or more`;
    },
    (x) =>
      LABELS.map(({ title, colour }, set) => {
        const share = sets[set]![Math.floor(x / LOSS_BIN)]!;
        return { label: title, colour, value: 1 - set, text: `${share.toFixed(1)} %` };
      }),
  );
};
