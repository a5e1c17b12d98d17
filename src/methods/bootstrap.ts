// Bootstrap, as in the SAM paper's Table 4: training anew on the labels that a method's network predicts for the noisy training set.
import type { z } from 'zod';
import type { Method } from './method.js';

/** A method on the labels predicted by another network that was trained with it. */
export function bootstrap<S extends z.ZodObject>(method: Method<S>): Method<S> {
  return {
    ...method,
    name: `bootstrap-${method.name}`,
    title: `Bootstrap + ${method.title}`,
    cite: `Reed et al., Training Deep Neural Networks on Noisy Labels with Bootstrapping, ICLR 2015 workshop, as in the SAM paper, on ${method.title}`,
    about:
      '`y <- argmax p(x)`: a network is trained as usual, predicts a label for each training image, and a fresh network is trained on these labels with the same method. The teacher is the same run that the table has anyway, trained once, and in `three_ways.csv` and under the tables the cost includes that of the teacher; it takes the same settings, and a variant learns from the variant of the same name.',
    teacher: method.name,
  };
}
