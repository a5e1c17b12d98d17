// What Baek et al. (2024) keep of SAM at SGD's price: an L2 penalty on the last layer's inputs and weights.
import { tf } from '../engine/tensorflow.js';
import { fields, number } from '../spec/fields.js';
import { crossEntropy, NO_LAST_LAYER } from './gradient.js';
import { defineMethod } from './method.js';

/** CE + gammaFeatures ||z||^2 + gammaWeights ||V||^2, z what the last layer is given for an example and V its weights. */
export const lastLayerL2 = defineMethod({
  name: 'last-layer-l2',
  title: 'L2 on the last layer',
  cite: 'Baek, Kolter and Raghunathan, Why is SAM Robust to Label Noise?, ICLR 2024, the regulariser of its section 5',
  about:
    "`CE + gammaFeatures ||z||^2 + gammaWeights ||V||^2`, z the input of the last layer and V its weights: what the paper keeps of SAM at SGD's price. The defaults of the two factors are ours and should be searched.",
  settings: fields({
    gammaFeatures: number('a number from 0', (v) => v >= 0)
      .default(0.01)
      .meta({ title: 'weight of the features’ penalty' })
      .describe("factor of the squared norm of the last layer's input"),
    gammaWeights: number('a number from 0', (v) => v >= 0)
      .default(0.01)
      .meta({ title: 'weight of the last layer’s penalty' })
      .describe("factor of the squared norm of the last layer's weights"),
  }),
  cost: () => 1,
  recipe: ({ gammaFeatures, gammaWeights }) => ({
    loss: (logits, { targets }, _step, last) => ({
      losses: logits.map((some, k) => {
        if (!last[k]) throw new Error(NO_LAST_LAYER);
        const { features, weights } = last[k];
        const ofFeatures = tf.mul(tf.sum(tf.square(features), 1), gammaFeatures);
        const ofWeights = tf.mul(tf.sum(tf.square(weights)), gammaWeights);
        return tf.add(tf.add(crossEntropy(some, targets), ofFeatures), ofWeights) as tf.Tensor1D;
      }),
    }),
  }),
});
