// A thread that ends its process when a call of user code does not return: who is in that call cannot.
import { writeSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';

/** What it is given. */
export interface Watched {
  /** Which call is under way (0: none), and how many calls were begun or ended. */
  shared: Int32Array;
  seconds: number;
  /** What ends the process. */
  signal: NodeJS.Signals;
  /** What its line on stderr begins with. */
  prefix: string;
}

const { shared, seconds, signal, prefix } = workerData as Watched;
const names = new Map<number, string>();
parentPort!.on('message', ([number, name]: [number, string]) => names.set(number, name));

let since = performance.now();
let seen = -1;
setInterval(
  () => {
    const count = Atomics.load(shared, 1);
    const call = Atomics.load(shared, 0);
    if (count !== seen || call === 0) {
      since = performance.now();
      seen = count;
    } else if (performance.now() - since > seconds * 1000) {
      const allowed = `allowed: at most ${seconds} s (LABELNOISE_USER_SECONDS)`;
      writeSync(2, `${prefix}${names.get(call)} has not returned after ${seconds} s; ${allowed}\n`);
      process.kill(process.pid, signal);
    }
  },
  Math.min(500, seconds * 250),
);
