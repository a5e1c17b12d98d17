// A Slurm cluster of one node for tests: munged, slurmctld and slurmd on loopback, in a folder of their own.
import { type ChildProcess, execFile, spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, open, readFile, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { freePort, until } from './redis.js';
import { temporaryFolder } from './temporary_folder.js';

const running = new Set<ChildProcess>();
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

export class TestCluster {
  private constructor(private readonly environment: NodeJS.ProcessEnv) {}

  /** @returns why there is none, where one cannot be had */
  static async start(): Promise<TestCluster | string> {
    for (const program of ['munged', 'slurmctld', 'slurmd', 'sbatch'])
      if (spawnSync(program, ['--version']).error) return `${program} is not installed`;
    if (process.getuid?.() !== 0) return 'slurmd runs as root only';
    const failures = [];
    // Another process may take a port between its choice and the start.
    while (failures.length < 3)
      try {
        return await TestCluster.begin();
      } catch (error) {
        failures.push((error as Error).message);
      }
    return failures.join('\n');
  }

  private static async begin(): Promise<TestCluster> {
    const folder = await temporaryFolder();
    const at = (name: string) => path.join(folder, name);
    const host = hostname().split('.')[0]!;
    await mkdir(at('state'));
    await mkdir(at('spool'));
    await writeFile(at('munge.key'), randomBytes(128), { mode: 0o600 });
    const config = {
      ClusterName: 'tiny',
      SlurmctldHost: `${host}(127.0.0.1)`,
      SlurmctldPort: await freePort(),
      SlurmdPort: await freePort(),
      AuthType: 'auth/munge',
      AuthInfo: `socket=${at('munge.socket')}`,
      SlurmUser: 'root',
      SlurmdUser: 'root',
      ProctrackType: 'proctrack/linuxproc',
      TaskPlugin: 'task/none',
      JobAcctGatherType: 'jobacct_gather/none',
      AccountingStorageType: 'accounting_storage/none',
      MpiDefault: 'none',
      SelectType: 'select/cons_tres',
      SelectTypeParameters: 'CR_CPU',
      StateSaveLocation: at('state'),
      SlurmdSpoolDir: at('spool'),
      SlurmctldPidFile: at('slurmctld.pid'),
      SlurmdPidFile: at('slurmd.pid'),
      SchedulerParameters: 'sched_interval=1,sched_min_interval=0,batch_sched_delay=0,defer',
      ReturnToService: 2,
      // More than there are, so that what takes no processor does not wait for one.
      SlurmdParameters: 'config_overrides',
      NodeName: `${host} NodeAddr=127.0.0.1 CPUs=4 RealMemory=16000 State=UNKNOWN`,
      PartitionName: `main Nodes=${host} Default=YES MaxTime=INFINITE State=UP`,
    };
    await writeFile(
      at('slurm.conf'),
      Object.entries(config)
        .map(([key, value]) => `${key}=${value}\n`)
        .join(''),
    );
    const environment = { ...process.env, SLURM_CONF: at('slurm.conf') };
    const cluster = new TestCluster(environment);
    /** Starts a daemon and waits until a command says that it is there. */
    const begin = async (program: string, args: string[], answers: () => Promise<boolean>) => {
      const log = await open(at(`${program}.out`), 'w');
      const child = spawn(program, args, { stdio: ['ignore', log.fd, log.fd], env: environment });
      await log.close();
      running.add(child);
      try {
        await until(async () => child.exitCode !== null || (await answers().catch(() => false)), 30);
        if (child.exitCode === null) return;
      } catch {}
      cluster.stop();
      throw new Error(
        `${program} ${child.exitCode === null ? 'does not come up' : `ended with ${child.exitCode}`}: ${(await readFile(at(`${program}.out`), 'utf8')).slice(-1000)}`,
      );
    };
    const munge = ['socket', 'key-file', 'pid-file', 'log-file', 'seed-file'].map(
      (option) =>
        `--${option}=${at(option === 'key-file' ? 'munge.key' : `munge.${option.replace('-file', '')}`)}`,
    );
    await begin('munged', ['--foreground', '--force', ...munge], async () => existsSync(at('munge.socket')));
    await begin('slurmctld', ['-D', '-f', at('slurm.conf')], async () =>
      /is UP/.test(await cluster.run('scontrol', 'ping')),
    );
    await begin('slurmd', ['-D', '-f', at('slurm.conf'), '-N', host], async () =>
      /idle/.test(await cluster.run('sinfo')),
    );
    return cluster;
  }

  /** What a command of the cluster prints. */
  async run(program: string, ...args: string[]): Promise<string> {
    return (await promisify(execFile)(program, args, { env: this.environment, timeout: 30_000 })).stdout;
  }

  /** Waits until nothing is queued or running. */
  async finish(seconds: number): Promise<void> {
    await until(async () => (await this.run('squeue', '--noheader')) === '', seconds);
  }

  stop(): void {
    for (const child of running) child.kill('SIGKILL');
    running.clear();
  }
}
