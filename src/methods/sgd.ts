// Stochastic gradient descent with Nesterov's momentum: the training that the other methods depart from.
import { fields } from '../spec/fields.js';
import { defineMethod } from './method.js';

export const sgd = defineMethod({
  name: 'sgd',
  title: 'SGD',
  about:
    "`w <- w - lr v`, `v` Nesterov's momentum of the gradient `g` of cross-entropy: plain training on the noisy labels. Learning rate (a cosine to zero), momentum, weight decay and clipping are the suite's, for this and all other methods.",
  settings: fields({}),
  cost: () => 1,
  recipe: () => ({ sharedBy: 'sgd' }),
  parts: () => ({ batch: { kind: 'plain' }, gradient: { kind: 'plain' } }),
});
