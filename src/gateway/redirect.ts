import type {IncomingMessage} from 'node:http';
import type {Operation, OperationParts} from './rule/operation.ts';
import {locateRepository, type Repository} from './rule/repository.ts';
import {allowsRepository} from './rule/rule.ts';

/**
 * Returns what a redirect asks for, if it leads to another address of the same organization on its own hosts, and to a
 * repository that the rule names. The client never sees it. `undefined`: this redirect is not followed.
 */
export function redirectOf(
  answer: IncomingMessage,
  operation: Operation,
  {rule, serversAt}: OperationParts,
): Operation | undefined {
  const {path} = operation;
  const target = targetOf(answer, `https://${operation.repository.host}${path}`);
  if (target === undefined) return undefined;
  const located = locateRepository(target.host, target.pathname, serversAt);
  if ('reason' in located || located.rest.join('/') !== 'info/refs') return undefined;
  const {repository} = located;
  if (!isSameOwner(repository, operation.repository) || !allowsRepository(rule, repository)) return undefined;
  return {...operation, repository, path: `${repository.path}/info/refs${path.slice(path.indexOf('?'))}`};
}

function targetOf({statusCode, headers}: IncomingMessage, base: string): URL | undefined {
  const {location} = headers;
  if (![301, 302, 307, 308].includes(statusCode ?? 0) || location === undefined) return undefined;
  const target = URL.parse(location, base);
  const isPlain = target?.protocol === 'https:' && target.username === '' && target.password === '';
  return isPlain ? target : undefined;
}

/** A collection of the same name on another server is another owner. */
function isSameOwner(one: Repository, other: Repository): boolean {
  return one.organization === other.organization && serverOf(one) === serverOf(other);
}

function serverOf({owner}: Repository): string | undefined {
  return owner.kind === 'server' ? owner.host : undefined;
}
