// Stochastic gradient descent with Nesterov's momentum: the training that the other methods depart from.
import { fields } from '../spec/fields.js';
import { defineMethod } from './method.js';

export const sgd = defineMethod({
  name: 'sgd',
  title: 'SGD',
  settings: fields({}),
  cost: () => 1,
  recipe: () => ({ sharedBy: 'sgd' }),
  parts: () => ({ batch: { kind: 'plain' }, gradient: { kind: 'plain' } }),
});
