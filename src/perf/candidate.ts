// A process that takes training steps on demand. One that dies, of lack of memory for example, takes nobody with it.
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { HUGE_PAGES } from '../engine/huge_pages.js';

/** Milliseconds of each step, or why there are none. */
export type Answer = { milliseconds: number[] } | { error: string };

/** Speaks to a child process in lines of JSON: one command, one answer. Whatever it is, PyTorch too, it has huge pages as our workers have. */
export class Candidate {
  private readonly child: ChildProcessByStdio<Writable, Readable, Readable>;
  private readonly lines: AsyncIterator<string>;
  private readonly ended: Promise<string>;
  private lastWords = '';

  constructor(command: string, args: string[], env: NodeJS.ProcessEnv = process.env) {
    this.child = spawn(command, args, { env: { ...env, ...HUGE_PAGES }, stdio: ['pipe', 'pipe', 'pipe'] });
    this.lines = createInterface({ input: this.child.stdout })[Symbol.asyncIterator]();
    this.child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.lastWords = text.trim().split('\n').at(-1) || this.lastWords;
    });
    // Writing to a process that is gone fails; that it is gone is told by `ended`.
    this.child.stdin.on('error', () => {});
    this.ended = new Promise((resolve) => {
      this.child.on('error', (error) => resolve(error.message));
      this.child.on('close', (code, signal) => resolve(this.reason(code, signal)));
    });
  }

  private reason(code: number | null, signal: string | null): string {
    if (signal === 'SIGKILL') return 'killed by the operating system, most likely out of memory';
    return `ended with ${signal ?? `exit code ${code}`}: ${this.lastWords}`;
  }

  /** The next line that the process writes, or why there is none. */
  async next(): Promise<string | { error: string }> {
    const { value, done } = await this.lines.next();
    return done ? { error: await this.ended } : value;
  }

  /** Has it take steps. Never throws: whoever cannot go on says so in the answer. */
  async take(variant: string, steps: number): Promise<Answer> {
    this.child.stdin.write(`${JSON.stringify({ variant, steps })}\n`);
    const line = await this.next();
    return typeof line === 'string' ? (JSON.parse(line) as Answer) : line;
  }

  /** Ends the process. */
  async stop(): Promise<void> {
    this.child.stdin.end();
    this.child.kill();
    await this.ended;
  }
}
