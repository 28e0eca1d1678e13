import type {Exchange, Reply} from '../http-exchange.ts';
import {blobStore} from './blob-store.ts';
import {sha256, type FeedPlace} from './feed.ts';

/** A sparse index below `Cargo/index/`, and the registry's interface below `Cargo/api/v1/`. Fact 95. */
export function cargoRegistry(
  {feed, base}: FeedPlace,
  rest: readonly string[],
  {method, body}: Exchange,
): Reply {
  const [service, ...segments] = rest;
  if (service === 'index') {
    if (segments.join('/') === 'config.json')
      return {
        status: 200,
        body: {dl: `${base}/Cargo/api/v1/crates`, api: `${base}/Cargo`, 'auth-required': true},
      };
    const name = segments.at(-1) ?? '';
    const found = segments.join('/') === indexPath(name) ? feed.cargo.get(name) : undefined;
    if (found === undefined) return {status: 404, body: 'not found\n'};
    return {status: 200, body: found.lines.map((line) => `${JSON.stringify(line)}\n`).join('')};
  }
  const [version, crates, ...more] = segments;
  if (service !== 'api' || version !== 'v1' || crates !== 'crates') return {status: 404, body: 'not found\n'};
  if (method === 'PUT' && more.join('/') === 'new') return publish({feed, base}, body);
  const [name = '', wanted = '', action] = more;
  const bytes = action === 'download' ? feed.cargo.get(name)?.crates.get(wanted) : undefined;
  return bytes === undefined ? {status: 404, body: 'not found\n'} : blobStore.redirectTo(bytes);
}

/** The body is two lengths, each before its part: JSON and the file. */
function publish({feed}: FeedPlace, body: Buffer): Reply {
  const length = body.readUInt32LE(0);
  const {name, vers, deps, features} = JSON.parse(body.subarray(4, 4 + length).toString()) as {
    name: string;
    vers: string;
    deps: object[];
    features: object;
  };
  const crate = body.subarray(8 + length);
  const found = feed.cargo.get(name) ?? {lines: [], crates: new Map<string, Buffer>()};
  if (found.crates.has(vers)) return {status: 409, body: {errors: [{detail: `${name} ${vers} exists`}]}};
  found.lines.push({name, vers, deps, features, cksum: sha256(crate), yanked: false});
  found.crates.set(vers, crate);
  feed.cargo.set(name, found);
  return {status: 200, body: {warnings: {invalid_categories: [], invalid_badges: [], other: []}}};
}

/** @see https://doc.rust-lang.org/cargo/reference/registry-index.html#index-files */
function indexPath(name: string): string {
  const lower = name.toLowerCase();
  if (lower.length <= 2) return `${lower.length}/${lower}`;
  if (lower.length === 3) return `3/${lower[0]}/${lower}`;
  return `${lower.slice(0, 2)}/${lower.slice(2, 4)}/${lower}`;
}
