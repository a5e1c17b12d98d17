// The networks that suites can choose, and how specs and tables refer to them. A new network is one more file and one more name here.
import type { ImageForm } from '../data/datasets/dataset.js';
import { Registry } from '../spec/registry.js';
import type { Architecture } from '../spec/run_spec.js';
import type { Network, NetworkKind } from './network.js';
import { resnet } from './resnet.js';
import { wideResnet } from './wide_resnet.js';

export const NETWORKS = new Registry<NetworkKind>('network', wideResnet, resnet);

/** The kind of network that a suite or a run's spec means, and its settings. @throws Error if it is not known here */
function networkOf({ kind, source, ...settings }: Architecture): {
  network: NetworkKind;
  settings: Record<string, unknown>;
} {
  // A suite's own model has the path of a user's file.
  return { network: source === undefined ? NETWORKS.named(kind) : NETWORKS.inSpec(kind, source), settings };
}

/** What a run's spec says of a network that a suite calls so. */
export function networkInSpec({ kind, ...settings }: Architecture): Architecture {
  const network = NETWORKS.named(kind);
  return { kind: network.name, ...settings, ...NETWORKS.sourceOf(network) };
}

/** The usual short name, e.g. `WRN-28-10` or `ResNet-32`, and what is unusual. */
export function architectureName(model: Architecture): string {
  const { network, settings } = networkOf(model);
  return network.title(settings);
}

/** The network for images of this form. */
export function buildNetwork(model: Architecture, form: ImageForm): Network {
  const { network, settings } = networkOf(model);
  return network.build(settings, form);
}

/** The smallest network of the kind. */
export function smallest(model: Architecture): Architecture {
  const { network, settings } = networkOf(model);
  return { ...model, ...network.smallest(settings) };
}
