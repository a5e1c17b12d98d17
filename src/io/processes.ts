// Which processes still run: numbers are given again, so that each is known by the time of its birth too.
import { readFileSync } from 'node:fs';

/** Whether a process has this number, another user's too. */
export function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}

/**
 * When a process began, in clock ticks since the system's start (Linux: proc(5), /proc/pid/stat, field 22); undefined for one that has
 * ended but was not waited for (state Z), or where the system does not say.
 */
export function birthTicks(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The second field is the program's name in brackets, which may hold anything.
    const [state, ...fields] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return state === 'Z' || state === 'X' ? undefined : fields[18];
  } catch {
    return undefined;
  }
}
