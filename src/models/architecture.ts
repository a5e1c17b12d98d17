// The networks a suite can ask for, as data.

/** How a residual block changes width: average pool + zero channels (the SAM authors' code) or a 1x1 convolution. */
export type Shortcut = 'pool-pad' | 'conv';

export type Architecture =
  | { kind: 'wide-resnet'; depth: number; width: number; shortcut: Shortcut }
  | { kind: 'resnet'; depth: number };

/** The usual short name, e.g. `WRN-28-10` or `ResNet-32`. */
export function architectureName(model: Architecture): string {
  return model.kind === 'wide-resnet' ? `WRN-${model.depth}-${model.width}` : `ResNet-${model.depth}`;
}
