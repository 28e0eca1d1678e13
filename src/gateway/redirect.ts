import type {IncomingMessage} from 'node:http';
import type {Operation} from './operation.ts';
import {locateRepository} from './repository.ts';

/**
 * Where an answer leads, if that is another address of the same organization's own hosts. The client never sees it.
 * `undefined`: it leads nowhere that we follow.
 */
export function redirectOf(
  answer: IncomingMessage,
  operation: Operation,
  isServer: (host: string) => boolean,
): Operation | undefined {
  const {location} = answer.headers;
  if (![301, 302, 307, 308].includes(answer.statusCode ?? 0) || location === undefined) return undefined;
  const {repository, path} = operation;
  const target = URL.parse(location, `https://${repository.host}${path}`);
  if (target === null || target.protocol !== 'https:' || target.username !== '' || target.password !== '')
    return undefined;
  const located = locateRepository(target.host, target.pathname, isServer);
  if ('reason' in located || located.repository.organization !== repository.organization) return undefined;
  if (located.repository.owner.kind !== repository.owner.kind || located.rest.join('/') !== 'info/refs')
    return undefined;
  const query = path.slice(path.indexOf('?'));
  return {...operation, repository: located.repository, path: `${located.repository.path}/info/refs${query}`};
}
