import {createHash} from 'node:crypto';
import {once} from 'node:events';
import {readFileSync} from 'node:fs';
import {createServer} from 'node:http';
import {basename, join} from 'node:path';
import type {Packed} from './packed.ts';

/** A registry of npm on loopback that has one package, in one version. */
export interface Registry {
  readonly url: string;
  /** The paths that were asked for. */
  readonly asked: readonly string[];
  close(): void;
}

export async function serveRegistry({tarball, installed}: Packed): Promise<Registry> {
  const bytes = readFileSync(tarball);
  const manifest = JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8'));
  const integrity = `sha512-${createHash('sha512').update(bytes).digest('base64')}`;
  const asked: string[] = [];
  const server = createServer((request, response) => {
    const path = request.url ?? '/';
    asked.push(path);
    if (path === `/-/${basename(tarball)}`) response.end(bytes);
    else if (path === '/orgkey') response.setHeader('content-type', 'application/json').end(packument());
    else response.writeHead(404).end('{}');
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const url = `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`;

  function packument(): string {
    const {version} = manifest;
    const dist = {tarball: `${url}/-/${basename(tarball)}`, integrity};
    return JSON.stringify({
      name: 'orgkey',
      'dist-tags': {latest: version},
      versions: {[version]: {...manifest, dist}},
    });
  }

  return {url, asked, close: () => void server.close()};
}
