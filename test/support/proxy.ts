// A bad network: a proxy on loopback that delays what it passes on, cuts connections, and swallows what comes.

import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { setTimeout } from 'node:timers/promises';
import type { Stream } from '../../src/io/random.js';

export interface BadNetwork {
  port: number;
  /** Connections cut so far. */
  cuts: number;
  /** From now on everything goes through at once. */
  mend(): void;
  close(): void;
}

/** @param next decides on each piece of data: to delay it, to cut the connection, or to leave it half-open */
export async function badNetwork(target: number, next: Stream, cutShare: number): Promise<BadNetwork> {
  const sockets = new Set<Socket>();
  let isBad = true;
  const pass = async (from: Socket, to: Socket) => {
    try {
      for await (const piece of from as AsyncIterable<Buffer>) {
        const draw = isBad ? next() : 1;
        if (draw < cutShare) {
          network.cuts++;
          // A part of it arrives, and then nothing.
          to.write(piece.subarray(0, Math.floor(next() * piece.length)), () => {
            from.destroy();
            to.destroy();
          });
          return;
        }
        if (draw < 0.3) await setTimeout(next() * 60);
        to.write(piece);
      }
      to.end();
    } catch {
      to.destroy();
    }
  };
  const server = createServer((client) => {
    const upstream = connect(target, '127.0.0.1');
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => sockets.delete(socket));
    }
    void pass(client, upstream);
    void pass(upstream, client);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const network: BadNetwork = {
    port: (server.address() as AddressInfo).port,
    cuts: 0,
    mend() {
      isBad = false;
    },
    close() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
  return network;
}
