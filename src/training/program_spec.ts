// What of a run's spec its compiled program depends on.

import { imageFormOf } from '../data/datasets/dataset.js';
import { methodOfSpec } from '../methods/catalogue.js';
import type { Dims, Recipe } from '../methods/method.js';
import { canonicalJson, type RunSpec } from '../spec/run_spec.js';
import { evaluationBatch, type ProgramSpec } from './training_program.js';

/** The sizes that a run's recipe is made for. @param images how many of the training images it begins with; all unless given */
function dimsOf({ data, training }: RunSpec, images = data.trainImages): Dims {
  const { batchSize, epochs } = training;
  return {
    batchSize,
    trainImages: data.trainImages,
    classes: imageFormOf(data).classes,
    epochs,
    stepsPerEpoch: Math.floor(images / batchSize),
  };
}

/** A run's recipe. @param images how many of the training images it begins with; all unless given */
export function recipeOf(spec: RunSpec, images?: number): Recipe {
  const { method, settings } = methodOfSpec(spec);
  return method.recipe(settings, dimsOf(spec, images));
}

export function programSpecOf(spec: RunSpec): ProgramSpec {
  const { model, data, training } = spec;
  const evaluated = [data.trainImages, data.testImages];
  if (data.heldOut && !data.testOn) evaluated.push(data.heldOut);
  return {
    model,
    form: imageFormOf(data),
    networks: methodOfSpec(spec).method.networks ?? 1,
    batchSize: training.batchSize,
    augment: data.augment,
    ...(data.augmentSource && { augmentSource: data.augmentSource }),
    trainImages: data.trainImages,
    evaluationBatch: evaluationBatch(...evaluated),
    momentum: training.momentum,
    weightDecay: training.weightDecay,
    clipNorm: training.clipNorm,
  };
}

/** The same for runs that one compiled program can train. */
export function programKey(spec: RunSpec): string {
  const { method, batch, gradient, precision } = spec;
  const { sharedBy } = recipeOf(spec);
  // What a user's file calls its own says nothing about another's.
  const traced =
    sharedBy === undefined ? { method, batch, gradient } : { sharedBy, source: method?.source ?? null };
  return canonicalJson({ program: programSpecOf(spec), traced, precision });
}
