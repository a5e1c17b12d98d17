// The seam between a planned suite and whoever makes its runs: this machine, a queue's workers, or a cluster.

import type { Plan } from '../suite/plan.js';
import { type Execution, type ExecutionState, execute } from './execute.js';

/** Makes a suite's runs, or has them made. */
export interface Executor {
  /**
   * Sees to it that every run of the plan is made that has no record yet.
   *
   * @returns where things stand when there is nothing left to do here: the local executor has made all it could, others have
   *   only passed the runs on
   * @throws InputError
   */
  make(plan: Plan): Promise<ExecutionState>;
}

/** This machine: the default, which needs nothing else. */
export function localExecutor(settings: Omit<Execution, 'graph' | 'labelSets'>): Executor {
  return { make: ({ graph, labelSets }) => execute({ ...settings, graph, labelSets }) };
}
