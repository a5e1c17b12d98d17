// The doctor: what it concludes from what it finds, and that a broken installation is a finding, not a crash.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import { reportOf } from '../src/cli/doctor.js';
import { bfloat16Support, oneDnnMistakesCaches } from '../src/engine/native/instruction_set.js';
import { PROJECT_ROOT } from '../src/io/project.js';

function doctor(env: NodeJS.ProcessEnv) {
  const main = path.join(PROJECT_ROOT, 'dist', 'src', 'cli', 'main.js');
  const { status, stdout, stderr } = spawnSync(process.execPath, [main, 'doctor'], {
    env: { ...process.env, NO_COLOR: '1', ...env },
    encoding: 'utf8',
  });
  return { status, stdout, stderr };
}

describe('doctor', () => {
  it('says whether the processor has bfloat16 units', () => {
    expect(bfloat16Support('flags : fpu avx2 avx512_bf16', 'linux')).to.equal('native');
    expect(bfloat16Support('flags : fpu avx512f amx_bf16 amx_tile', 'linux')).to.equal('native');
    expect(bfloat16Support('Features : fp asimd bf16', 'linux')).to.equal('native');
    expect(bfloat16Support('flags : fpu avx2 avx512f', 'linux')).to.equal('emulated');
    expect(bfloat16Support('hw.optional.arm.FEAT_BF16: 1', 'darwin')).to.equal('native');
    expect(bfloat16Support('hw.optional.arm.FEAT_BF16: 0', 'darwin')).to.equal('emulated');
  });

  it('ends with what to do, or with the all-clear', () => {
    const ok = { what: 'Node', found: '22.0.0' };
    expect(reportOf([ok])).to.match(/Node {2}22\.0\.0\n\nTraining can start\.\n$/);
    const text = reportOf([ok, { what: 'CIFAR-10', found: 'not there', mend: 'make data' }]);
    expect(text).to.match(/\n\nTo mend CIFAR-10: make data\n$/);
    expect(text).not.to.include('Training can start');
  });

  it('names versions, oneDNN, threads and bfloat16 of this machine', () => {
    const { stdout, stderr } = doctor({});
    expect(stderr).to.equal('labelnoise: starting TensorFlow\nlabelnoise: verifying CIFAR-10\n');
    expect(stdout).to.match(/ok {2}TensorFlow\.js +4\.22\.0\n/);
    expect(stdout).to.match(/ok {2}TensorFlow +2\.\d+\.\d+\n/);
    expect(stdout).to.match(/oneDNN +(on, version \d|off)/);
    expect(stdout).to.match(/Native kernels +(used, for \w+|not used: .+)\n/);
    expect(stdout).to.match(/Threads +\d+ within an operation/);
    expect(stdout).to.match(/bfloat16 +(native(, and not used (without|in) .*)?|emulated|unknown)\n/);
  });

  it('sees that oneDNN is turned off', () => {
    const why = oneDnnMistakesCaches() ? 'this processor does not tell .+' : 'TF_ENABLE_ONEDNN_OPTS=0';
    expect(doctor({ TF_ENABLE_ONEDNN_OPTS: '0' }).stdout).to.match(RegExp(`oneDNN +off; ${why}\n`));
  });

  it('names a cache that cannot be made (needs /proc)', function () {
    if (process.platform !== 'linux') this.skip();
    const { status, stdout } = doctor({ LABELNOISE_CACHE: '/proc/labelnoise' });
    expect(status).to.equal(1);
    expect(stdout).to.match(
      /missing {2}Cache +\/proc\/labelnoise cannot be used: no folder can be made there\n/,
    );
    expect(stdout).to.match(/\n\nTo mend Cache: name a folder that can be written to in LABELNOISE_CACHE/);
  });

  it('misses the data in an empty cache and says how to get it', () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'labelnoise-doctor-'));
    try {
      const { status, stdout } = doctor({ LABELNOISE_CACHE: path.join(folder, 'none') });
      expect(status).to.equal(1);
      expect(stdout).to.include(`missing  CIFAR-10`);
      expect(stdout).to.match(/To mend CIFAR-10: make data\n$/);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
