// From the name of an architecture to the network. A new model is one more case here and in architecture.ts.
import type { Architecture } from './architecture.js';
import type { Network } from './network.js';
import { resnet } from './resnet.js';
import { wideResnet } from './wide_resnet.js';

/** The network that an architecture describes. */
export function buildNetwork(model: Architecture): Network {
  return model.kind === 'wide-resnet' ? wideResnet(model) : resnet(model);
}
