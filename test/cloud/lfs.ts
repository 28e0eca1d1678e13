import {createHash} from 'node:crypto';
import type {Exchange, Reply} from './http-exchange.ts';
import type {Repository} from './repositories.ts';

const mediaType = 'application/vnd.git-lfs+json';

interface Batch {
  operation?: string;
  objects?: {oid: string; size: number}[];
}

/** Git LFS's batch interface and its objects. `rest` follows `info/lfs`; LFS does not work over SSH, fact 69. */
export function serveLfs(
  {method, host, path, body}: Exchange,
  {repository, rest}: {repository: Repository; rest: readonly string[]},
): Reply {
  if (rest[0] === 'locks')
    return {status: 404, headers: {'content-type': mediaType}, body: {message: 'Locking is not supported.'}};
  if (rest[0] !== 'objects')
    return {status: 404, headers: {'content-type': mediaType}, body: {message: 'Not found'}};
  if (rest[1] === 'batch') {
    const base = `https://${host}${path.slice(0, -'/batch'.length)}`;
    return batch(repository, JSON.parse(body.toString()) as Batch, base);
  }
  const id = rest[1] ?? '';
  if (method === 'PUT') {
    if (createHash('sha256').update(body).digest('hex') !== id)
      return {status: 422, body: {message: 'The content does not match its id.'}};
    repository.lfsObjects.set(id, body);
    return {status: 200};
  }
  const content = repository.lfsObjects.get(id);
  if (!content)
    return {status: 404, headers: {'content-type': mediaType}, body: {message: 'Object does not exist'}};
  return {status: 200, headers: {'content-type': 'application/octet-stream'}, body: content};
}

function batch(repository: Repository, {operation, objects = []}: Batch, base: string): Reply {
  const answers = objects.map(({oid, size}) => {
    const isThere = repository.lfsObjects.has(oid);
    if (operation === 'upload')
      return isThere ? {oid, size} : {oid, size, actions: {upload: {href: `${base}/${oid}`}}};
    return isThere
      ? {oid, size, actions: {download: {href: `${base}/${oid}`}}}
      : {oid, size, error: {code: 404, message: 'Object does not exist'}};
  });
  return {status: 200, headers: {'content-type': mediaType}, body: {transfer: 'basic', objects: answers}};
}
