// Runs the command in this process, again and again, as its parent asks: a process for each would take most of the time.
import { readLabelFile } from '../../src/data/label_file.js';
import { InputError } from '../../src/errors.js';
import { plain } from '../../src/report/escape.js';
import { readCheckpoint } from '../../src/training/checkpoint.js';

/** What the parent asks for: a command line, or a file to be read by what only trainings read it by. */
export type FuzzCall = { argv: string[] } | { labelFile: string } | { checkpoint: string };
/** How it ended: the exit code, and what was said on stderr; the code is null after an error that is not the user's. */
export interface FuzzAnswer {
  code: number | null;
  said: string;
}

let calls = 0;

async function commandLine(argv: string[]): Promise<FuzzAnswer> {
  const said: string[] = [];
  const [out, err] = [process.stdout.write, process.stderr.write];
  process.stdout.write = () => true;
  process.stderr.write = (text: string | Uint8Array) => Boolean(said.push(String(text)));
  process.argv = [process.execPath, 'labelnoise', ...argv];
  process.exitCode = 0;
  process.stdout.removeAllListeners('error');
  process.stderr.removeAllListeners('error');
  try {
    // A module of its own each time, as if the command were typed anew.
    await import(`../../src/cli/main.js?${calls++}`);
    return { code: Number(process.exitCode), said: said.join('') };
  } catch (error) {
    return { code: null, said: String((error as Error).stack) };
  } finally {
    [process.stdout.write, process.stderr.write] = [out, err];
  }
}

async function reading(read: () => Promise<unknown>): Promise<FuzzAnswer> {
  try {
    await read();
    return { code: 0, said: '' };
  } catch (error) {
    // As the command would say it.
    if (error instanceof InputError) return { code: 2, said: plain(error.message) };
    return { code: null, said: String((error as Error).stack) };
  }
}

async function answer(call: FuzzCall): Promise<FuzzAnswer> {
  if ('argv' in call) return commandLine(call.argv);
  if ('checkpoint' in call) return reading(() => readCheckpoint(call.checkpoint, 'a run'));
  return reading(async () => {
    const { labels } = await readLabelFile(call.labelFile);
    if (labels.length !== 50_000 || labels.some((label) => label > 9))
      throw new Error('labels that are none');
  });
}

process.on('message', async (call: FuzzCall) => {
  process.send!(await answer(call));
});
