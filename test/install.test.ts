// Installing the engine: what passes for complete, what two installers do to each other, what bad input says.
import { spawnSync } from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import { runCommand } from '../src/install/command.js';
import { nodeVersionProblem } from '../src/install/node_version.js';
import { folderBytes, isSealed, publish, publishLink, withWorkFolder } from '../src/install/sealed_folder.js';
import { unpackWheel } from '../src/install/wheel.js';
import { PROJECT_ROOT } from '../src/io/project.js';

describe('installing the engine', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'labelnoise-install-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  /** A folder with lib/a.so of the given text. */
  function filled(name: string, text: string): string {
    const made = path.join(folder, name);
    mkdirSync(path.join(made, 'lib'), { recursive: true });
    writeFileSync(path.join(made, 'lib', 'a.so'), text);
    return made;
  }

  function install(env: NodeJS.ProcessEnv) {
    const script = path.join(PROJECT_ROOT, 'dist', 'src', 'cli', 'install.js');
    return spawnSync(process.execPath, [script], { env: { ...process.env, ...env }, encoding: 'utf8' });
  }

  describe('Node version', () => {
    it('is of 20 from 20.19, 22, 24 or 26', () => {
      for (const version of ['20.19.0', '20.20.2', '22.0.0', '22.12.0', '24.21.0', '26.0.0']) {
        expect(nodeVersionProblem(version), version).to.equal(undefined);
      }
    });

    it('of any other line is refused in one line that names it and those that will do', () => {
      for (const version of ['18.20.0', '20.18.3', '23.0.0', '27.1.0'])
        expect(nodeVersionProblem(version)).to.match(
          new RegExp(
            `^Node ${version} cannot be used. Install one of 20.19, 22, 24, 26, or a later [^\\n]*$`,
          ),
        );
    });
  });

  describe('sealed folders', () => {
    it('are complete only with every file in its full size and the same content', async () => {
      const target = path.join(folder, 'target');
      await publish(filled('work', 'library'), target, 'TensorFlow 1');
      expect(isSealed(target, 'TensorFlow 1')).to.equal(true);
      expect(isSealed(target, 'TensorFlow 2')).to.equal(false);
      truncateSync(path.join(target, 'lib', 'a.so'), 3);
      expect(isSealed(target, 'TensorFlow 1')).to.equal(false);
    });

    it('replace a half-finished folder', async () => {
      const target = filled('target', 'hal');
      await publish(filled('work', 'whole'), target, 'x');
      expect(readFileSync(path.join(target, 'lib', 'a.so'), 'utf8')).to.equal('whole');
      expect(readdirSync(folder)).to.deep.equal(['target']);
    });

    it('yield to one that was finished before', async () => {
      const target = path.join(folder, 'target');
      await Promise.all(['1', '2', '3'].map((n) => publish(filled(`work${n}`, `from ${n}`), target, 'x')));
      const first = readFileSync(path.join(target, 'lib', 'a.so'), 'utf8');
      await publish(filled('late', 'from late'), target, 'x');
      expect(isSealed(target, 'x')).to.equal(true);
      expect(readFileSync(path.join(target, 'lib', 'a.so'), 'utf8')).to.equal(first);
      expect(readdirSync(folder)).to.deep.equal(['target']);
    });

    it('are linked in place of a plain folder or an older link, and count once', async () => {
      const sealed = path.join(folder, 'sealed');
      await publish(filled('work', 'library'), sealed, 'x');
      const target = filled('deps', 'by hand');
      for (let time = 0; time < 2; time++) {
        await withWorkFolder(folder, (work) => publishLink(sealed, target, work));
        expect(isSealed(target, 'x')).to.equal(true);
      }
      expect(readdirSync(folder).sort()).to.deep.equal(['deps', 'sealed']);
      expect(await folderBytes(path.join(folder, 'sealed', 'lib'))).to.equal('library'.length);
    });

    it('leave no work folder behind, neither a failed one nor one of a killed process', async () => {
      const dead = spawnSync(process.execPath, ['-e', '']).pid;
      mkdirSync(path.join(folder, `partial-${hostname()}-${dead}`));
      const failing = withWorkFolder(folder, async (work) => {
        writeFileSync(path.join(work, 'half'), '');
        throw new Error('broken off');
      });
      const message = await failing.catch((error: Error) => error.message);
      expect(message).to.equal('broken off');
      expect(readdirSync(folder)).to.deep.equal([]);
    });
  });

  describe('wheels', () => {
    const make = `
import base64, hashlib, sys, zipfile
wheel, hashed = sys.argv[1:]
h = base64.urlsafe_b64encode(hashlib.sha256(hashed.encode()).digest()).decode().rstrip('=')
with zipfile.ZipFile(wheel, 'w') as z:
    z.writestr('pkg/lib.so.2', 'library')
    z.writestr('pkg/other.py', 'python')
    z.writestr('pkg-1.0.dist-info/RECORD', f'pkg/lib.so.2,sha256={h},7\\n')
`;
    const { signal } = new AbortController();

    it('give only the files asked for', async () => {
      const wheel = path.join(folder, 'pkg-1.0-py3-none-any.whl');
      await runCommand('python3', ['-c', make, wheel, 'library'], { step: 'test', signal });
      await unpackWheel(wheel, ['pkg/lib\\.so\\.2'], path.join(folder, 'out'), signal);
      expect(readdirSync(path.join(folder, 'out', 'pkg'))).to.deep.equal(['lib.so.2']);
    });

    it('are refused if a file differs from its recorded SHA-256', async () => {
      const wheel = path.join(folder, 'pkg-1.0-py3-none-any.whl');
      await runCommand('python3', ['-c', make, wheel, 'another'], { step: 'test', signal });
      const unpacking = unpackWheel(wheel, ['pkg/lib\\.so\\.2'], path.join(folder, 'out'), signal);
      const message = await unpacking.then(
        () => 'accepted',
        (error: Error) => error.message,
      );
      expect(message).to.match(/pkg\/lib\.so\.2 in pkg-1\.0-py3-none-any\.whl does not have the SHA-256/);
    });

    it('are refused if cut off', async () => {
      const wheel = path.join(folder, 'pkg-1.0-py3-none-any.whl');
      await runCommand('python3', ['-c', make, wheel, 'library'], { step: 'test', signal });
      truncateSync(wheel, 60);
      const unpacking = unpackWheel(wheel, ['pkg/lib\\.so\\.2'], path.join(folder, 'out'), signal);
      const message = await unpacking.then(
        () => 'accepted',
        (error: Error) => error.message,
      );
      expect(message).to.match(/^unpack ended with code 1: [^\n]*not a zip file/i);
    });
  });

  describe('command', () => {
    it('is silent and succeeds when all is there', () => {
      const { status, stdout, stderr } = install({});
      expect({ status, stdout, stderr }).to.deep.equal({ status: 0, stdout: '', stderr: '' });
    });

    it('goes on without the native kernels where they cannot be built', function () {
      if (process.platform !== 'linux' || process.arch !== 'x64') this.skip();
      const { status, stdout } = install({ LABELNOISE_CACHE: folder, CXX: 'false' });
      expect(stdout).to.match(
        /^Building the native kernels for [\w, ]+ \.\.\.\n(?: {2}.*\n)* {2}did not work, TensorFlow's own .*\n$/,
      );
      expect(status).to.equal(0);
      expect(readdirSync(path.join(folder, 'tensorflow'))).to.deep.equal(['logs']);
    });

    it('refuses an unknown device in one line', () => {
      const { status, stdout, stderr } = install({ LABELNOISE_DEVICE: 'tpu' });
      expect({ status, stdout }).to.deep.equal({ status: 2, stdout: '' });
      expect(stderr).to.equal('LABELNOISE_DEVICE is "tpu"; it must be cpu or gpu\n');
    });
  });
});
