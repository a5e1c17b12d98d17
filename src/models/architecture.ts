// The networks a suite can ask for, as data.

/** How a residual block changes width: average pool + zero channels (the SAM authors' code) or a 1x1 convolution. */
export type Shortcut = 'pool-pad' | 'conv';

export type Architecture =
  | {
      kind: 'wide-resnet';
      depth: number;
      width: number;
      shortcut: Shortcut;
      /** Of the first convolution; 1 unless given. With 2 all that follows sees a quarter of the pixels, at about a quarter of the cost. */
      stemStride?: 2 | undefined;
    }
  | { kind: 'resnet'; depth: number };

/** The usual short name, e.g. `WRN-28-10` or `ResNet-32`, and what is unusual. */
export function architectureName(model: Architecture): string {
  if (model.kind === 'resnet') return `ResNet-${model.depth}`;
  const name = `WRN-${model.depth}-${model.width}`;
  return model.stemStride ? `${name} (stem of stride ${model.stemStride})` : name;
}
