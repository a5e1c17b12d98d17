// A process that answers call after call, where one for each would take most of the time.
import { type ChildProcess, fork } from 'node:child_process';
import { availableParallelism, loadavg } from 'node:os';

/** Calls that one process is given: what a module leaves behind adds up. */
const MOST_CALLS = 400;

/** Replaced when it hangs or has done enough. It ends with the process that keeps it. */
export class KeptProcess<Call extends object, Answer> {
  private child: ChildProcess | undefined;
  private calls = 0;

  /** @param script a compiled program that answers each message of its parent by another */
  constructor(
    private readonly script: URL,
    private readonly env: NodeJS.ProcessEnv = process.env,
  ) {}

  /** @throws Error if there is no answer in time, which is longer where other programs run, or the process ends */
  async ask(call: Call, milliseconds: number): Promise<Answer> {
    if (this.calls++ % MOST_CALLS === 0) this.close();
    this.child ??= this.start();
    const { child } = this;
    child.channel!.ref();
    return new Promise((resolve, reject) => {
      const fail = (why: string) => () => {
        this.close();
        reject(new Error(why));
      };
      const others = Math.max(1, loadavg()[0]! / availableParallelism());
      const timer = setTimeout(fail(`no answer in ${milliseconds * others} ms`), milliseconds * others);
      const onExit = fail('the process ended');
      child.once('exit', onExit).once('message', (answer) => {
        clearTimeout(timer);
        child.off('exit', onExit);
        child.channel!.unref();
        resolve(answer as Answer);
      });
      child.send(call);
    });
  }

  private start(): ChildProcess {
    const child = fork(this.script, { env: this.env, stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
    child.unref();
    // Between calls, too, it may end.
    child.once('exit', () => {
      if (this.child === child) this.child = undefined;
    });
    return child;
  }

  close(): void {
    this.child?.removeAllListeners().kill('SIGKILL');
    this.child = undefined;
  }
}
