// A Redis server for tests: on loopback, with a port and a password of its own, gone when the tests end.
import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { setTimeout } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { queueAddress } from '../../src/execution/queue/address.js';
import { temporaryFolder } from './temporary_folder.js';

const servers = new Set<ChildProcess>();
process.once('exit', () => {
  for (const server of servers) server.kill('SIGKILL');
});

/** A port of loopback that nobody has. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  return port;
}

/** A real redis-server. */
export class TestRedis {
  readonly password = randomBytes(12).toString('hex');
  private server: ChildProcess | undefined;
  private redis: Redis | undefined;

  private constructor(
    readonly port: number,
    private readonly folder: string,
    private readonly config: string[],
  ) {}

  /** @param config further lines of its configuration */
  static async start(...config: string[]): Promise<TestRedis> {
    const server = new TestRedis(await freePort(), await temporaryFolder(), config);
    await server.begin();
    return server;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  /** What a process needs to find it. @param port another one, as of a proxy */
  environment(port = this.port): { LABELNOISE_QUEUE: string } {
    return { LABELNOISE_QUEUE: `redis://:${this.password}@127.0.0.1:${port}` };
  }

  address(prefix?: string, port?: number) {
    return queueAddress(undefined, prefix, this.environment(port));
  }

  /** Starts it, with what it had written to its folder. */
  async begin(): Promise<void> {
    const server = spawn('redis-server', ['-'], { cwd: this.folder, stdio: ['pipe', 'ignore', 'ignore'] });
    servers.add(server);
    this.server = server;
    // By standard input, so that the password is in no process list.
    server.stdin!.end(
      [
        `bind 127.0.0.1`,
        `port ${this.port}`,
        `requirepass ${this.password}`,
        `dir ${this.folder}`,
        'save ""',
        ...this.config,
        '',
      ].join('\n'),
    );
    const redis = new Redis({
      port: this.port,
      host: '127.0.0.1',
      password: this.password,
      maxRetriesPerRequest: null,
      retryStrategy: () => 50,
    });
    redis.on('error', () => {});
    this.redis?.disconnect();
    this.redis = redis;
    await redis.ping();
  }

  /** A client with its password. */
  get client(): Redis {
    return this.redis!;
  }

  /** Ends it as a power cut would. */
  async kill(): Promise<void> {
    const server = this.server!;
    const ended = once(server, 'exit');
    server.kill('SIGKILL');
    await ended;
    servers.delete(server);
  }

  async stop(): Promise<void> {
    this.redis?.disconnect();
    await this.kill();
  }

  /** Memory in use, in bytes, and seconds of processor time. */
  async usage(): Promise<{ memory: number; seconds: number }> {
    const info = await this.client.info();
    const field = (name: string) => Number(new RegExp(`^${name}:(.*)$`, 'm').exec(info)?.[1]);
    return { memory: field('used_memory'), seconds: field('used_cpu_sys') + field('used_cpu_user') };
  }
}

/** Waits until something is so. */
export async function until(what: () => Promise<boolean> | boolean, seconds = 30): Promise<void> {
  const end = performance.now() + 1000 * seconds;
  while (!(await what())) {
    if (performance.now() > end) throw new Error(`is not so after ${seconds} s: ${what}`);
    await setTimeout(50);
  }
}
