import type {Exchange, Reply} from '../http-exchange.ts';
import {blobStore} from './blob-store.ts';
import {sha1, tarball, type FeedPlace} from './feed.ts';

/** An npm registry that also holds every package that was not published, at version 1.0.0. */
export function npmRegistry(
  {feed, base}: FeedPlace,
  rest: readonly string[],
  {method, body}: Exchange,
): Reply {
  const [, ...segments] = rest;
  const marker = segments.indexOf('-');
  const name = segments.slice(0, marker === -1 ? undefined : marker).join('/');
  if (name === '') return {status: 200, body: {}};
  const versions = feed.npm.get(name) ?? new Map([['1.0.0', madeUp(name)]]);
  if (method === 'PUT') return publish({feed, base}, name, body);
  if (marker !== -1) {
    const file = segments[marker + 1] ?? '';
    const found = [...versions].find(([version]) => file === fileOf(name, version));
    return found === undefined
      ? {status: 404, body: {error: 'not found'}}
      : blobStore.redirectTo(found[1].bytes);
  }
  return {
    status: 200,
    body: {
      name,
      'dist-tags': {latest: [...versions.keys()].at(-1)},
      versions: Object.fromEntries(
        [...versions].map(([version, {manifest, bytes}]) => [
          version,
          {
            ...manifest,
            dist: {tarball: `${base}/npm/registry/${name}/-/${fileOf(name, version)}`, shasum: sha1(bytes)},
          },
        ]),
      ),
    },
  };
}

function publish({feed}: FeedPlace, name: string, body: Buffer): Reply {
  const {versions = {}, _attachments: attachments = {}} = JSON.parse(body.toString()) as {
    versions?: Record<string, object>;
    _attachments?: Record<string, {data: string}>;
  };
  const [version = '', manifest = {}] = Object.entries(versions)[0] ?? [];
  const known = feed.npm.get(name) ?? new Map();
  if (known.has(version)) return {status: 409, body: {error: `${name} ${version} exists`}};
  const data = Object.values(attachments)[0]?.data ?? '';
  feed.npm.set(name, known.set(version, {manifest, bytes: Buffer.from(data, 'base64')}));
  return {status: 200, body: {ok: true}};
}

function madeUp(name: string): {manifest: object; bytes: Buffer} {
  const manifest = {name, version: '1.0.0'};
  return {manifest, bytes: tarball({'package/package.json': JSON.stringify(manifest)})};
}

function fileOf(name: string, version: string): string {
  return `${name.replace(/^.*\//, '')}-${version}.tgz`;
}
