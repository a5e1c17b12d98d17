// The page of a results folder, served on this machine alone while a suite runs.
import { stat } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { isLocked } from '../io/lock.js';
import { EVENTS, readHappening } from '../results/events.js';
import { EXTERNAL } from '../results/external.js';
import { checkpointedRuns } from '../results/store.js';
import { InputError } from '../spec/errors.js';
import { readAnalysesOf } from './analyses.js';
import { htmlPage } from './html.js';
import type { PageData } from './page_data.js';
import { pageDataOf } from './page_data_of.js';
import { readReport } from './report.js';

const LOOPBACK = '127.0.0.1';
/** How often the folder is looked at while somebody watches. */
const LOOK_MILLISECONDS = 1000;
/** What changes when something happens in a results folder. */
const SIGNS = [EVENTS, EXTERNAL, 'runs', 'suite.json', 'lock', 'checkpoints'];

/** What a page shows, and whether it is another than when it was last asked for. */
export interface LiveContent {
  now(): Promise<PageData>;
  hasChanged(): Promise<boolean>;
}

export interface LiveServer {
  /** Where to point a browser. */
  url: string;
  close(): Promise<void>;
}

/**
 * Serves a results folder, or what else changes: the page at `/`, its content at `/data.json`, and a line at `/changes` whenever something
 * has happened. Reads are answered, and nothing else: no file of the folder is served as such.
 *
 * @param port 0 for any that is free
 * @throws InputError if the folder is no results folder, or the port cannot be had
 */
export async function serveLive(watched: string | LiveContent, port: number): Promise<LiveServer> {
  const content = typeof watched === 'string' ? new FolderContent(watched) : watched;
  await content.now();
  const watchers = new Set<ServerResponse>();
  const server = createServer((request, response) => {
    const { port } = server.address() as AddressInfo;
    answer(request, response, port, content, watchers).catch((error: Error) =>
      send(response, 500, 'text/plain', `${error.message}\n`),
    );
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => reject(explained(error, port)));
    server.listen(port, LOOPBACK, resolve);
  });
  const look = setInterval(() => {
    if (watchers.size)
      content.hasChanged().then(
        (changed) => changed && tell(watchers),
        () => tell(watchers),
      );
  }, LOOK_MILLISECONDS);
  return {
    url: `http://${LOOPBACK}:${(server.address() as AddressInfo).port}/`,
    close: () => {
      clearInterval(look);
      return new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      });
    },
  };
}

function explained(error: NodeJS.ErrnoException, port: number): unknown {
  const reasons: Record<string, string> = {
    EADDRINUSE: 'another program has it',
    EACCES: 'this user may not have it',
  };
  const reason = reasons[error.code ?? ''];
  return reason ? new InputError(`--port ${port}: ${reason}; name another, or 0 for any free one`) : error;
}

/** What the folder holds, read again only when something has happened. */
class FolderContent implements LiveContent {
  private seen = '';
  private read: Promise<PageData> | undefined;

  constructor(private readonly out: string) {}

  async now(): Promise<PageData> {
    const signs = await this.signs();
    if (!this.read || signs !== this.seen) {
      this.seen = signs;
      this.read = this.fresh();
      // What could not be read is not kept.
      this.read.catch(() => {
        this.read = undefined;
      });
    }
    return this.read;
  }

  async hasChanged(): Promise<boolean> {
    return (await this.signs()) !== this.seen;
  }

  private async signs(): Promise<string> {
    const states = SIGNS.map(async (name) => {
      const found = await stat(path.join(this.out, name)).catch(() => undefined);
      return found ? `${found.mtimeMs} ${found.size}` : '';
    });
    // A process that was killed leaves its lock.
    return [...(await Promise.all(states)), await isLocked(this.out)].join('\n');
  }

  private async fresh(): Promise<PageData> {
    const { out } = this;
    const { report } = await readReport(out);
    const runStatus = await readHappening(out);
    if (!(await isLocked(out))) runStatus.underWay.clear();
    const begun = await checkpointedRuns(out, report.graph.runs);
    const analyses = await readAnalysesOf(out, report);
    return pageDataOf([{ name: report.graph.suite.name, report, runStatus, begun, analyses }], true);
  }
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  port: number,
  content: LiveContent,
  watchers: Set<ServerResponse>,
): Promise<void> {
  // A page elsewhere that gives its own name this address must not read results.
  if (![`${LOOPBACK}:${port}`, `localhost:${port}`].includes(request.headers.host ?? ''))
    return send(response, 403, 'text/plain', 'not for this host\n');
  if (request.method !== 'GET') {
    response.setHeader('Allow', 'GET');
    return send(response, 405, 'text/plain', 'only GET\n');
  }
  switch (request.url?.split('?', 1)[0]) {
    case '/':
      return send(response, 200, 'text/html', htmlPage(await content.now()));
    case '/data.json':
      return send(response, 200, 'application/json', JSON.stringify(await content.now()));
    case '/changes':
      return watch(response, watchers);
    default:
      return send(response, 404, 'text/plain', 'no such page\n');
  }
}

function send(response: ServerResponse, status: number, type: string, text: string): void {
  response.writeHead(status, { ...HEADERS, 'Content-Type': `${type}; charset=utf-8` }).end(text);
}

const HEADERS = { 'Cache-Control': 'no-store', 'X-Content-Type-Options': 'nosniff' };

/** Keeps the answer open for what will be told. What happened since the page was made is told at once. */
function watch(response: ServerResponse, watchers: Set<ServerResponse>): void {
  response.writeHead(200, { ...HEADERS, 'Content-Type': 'text/event-stream' });
  watchers.add(response);
  response.on('close', () => watchers.delete(response));
  tell([response]);
}

function tell(watchers: Iterable<ServerResponse>): void {
  for (const watcher of watchers) watcher.write('data: changed\n\n');
}
