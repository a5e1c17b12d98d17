// Several observers as one.
import type { Observer } from './execute.js';

/** Tells each of them, in their order. */
export function observers(...all: Observer[]): Observer {
  const tell =
    <Event extends keyof Observer>(event: Event) =>
    (...news: Parameters<NonNullable<Observer[Event]>>) => {
      for (const observer of all) (observer[event] as ((...news: unknown[]) => void) | undefined)?.(...news);
    };
  return {
    begins: tell('begins'),
    quarantined: tell('quarantined'),
    noted: tell('noted'),
    started: tell('started'),
    doing: tell('doing'),
    progressed: tell('progressed'),
    finished: tell('finished'),
    retried: tell('retried'),
    failed: tell('failed'),
    stopped: tell('stopped'),
  };
}
