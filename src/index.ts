// What a method, noise, data set, network or augmentation in a file of one's own may import from 'labelnoise'.
export { z } from 'zod';
export { tf } from './engine/tensorflow.js';
export * from './methods/method.js';
export { beta, gamma, integer, normal, permutation, type Stream } from './random.js';
