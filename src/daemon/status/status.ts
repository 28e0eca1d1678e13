import {nameInRepair} from '../../text/name-in-repair.ts';
import type {Binding} from '../../identity/bindings.ts';
import {describeIdentity} from '../../identity/identity.ts';
import {lowerName} from '../../organization/organization.ts';
import {printable} from '../../text/printable.ts';
import {AZURE_DEVOPS_SCOPE} from '../../token/acquire.ts';
import {NOT_ACCEPTED} from '../../token/find-token.ts';
import type {OrganizationRejection} from '../../token/organization-rejections.ts';
import type {Rejections, RepositoryLock} from '../../token/rejections.ts';
import type {TokenCache, TokenStatus} from '../../token/token-cache.ts';
import type {ConfigurationInForce} from '../supply/configuration-in-force.ts';
import {
  type GatewayStatus,
  type Health,
  type Lock,
  type Notice,
  type OrganizationStatus,
  type Status,
} from '../../control/control-protocol.ts';
import type {GitSocket} from '../git/git-socket.ts';
import {isoTime} from '../../text/iso-time.ts';
import {ANY_OTHER, type Tally} from './tally.ts';
import {shownName} from '../../organization/owner.ts';

interface StatusParts {
  readonly version: string;
  readonly pid: number;
  /** Milliseconds since epoch. */
  readonly startedAt: number;
  readonly now: number;
  readonly inForce: ConfigurationInForce;
  readonly tokens: TokenCache;
  readonly tally: Tally;
  readonly rejections: Rejections;
  readonly sockets: readonly GitSocket[];
  readonly gateways: readonly GatewayStatus[];
  /** What is wrong with sockets, audit, clock and the like. */
  readonly notices: readonly Notice[];
  readonly residentBytes: number;
  readonly clockSkew: number | undefined;
  readonly environment: Readonly<Record<string, string>>;
}

/** Returns what `orgkey status` shows. It has no secrets. */
export function statusOf(parts: StatusParts): Status {
  const {inForce, tally} = parts;
  const organizations = inForce.bindings.all.flatMap((binding) => organizationsOf(binding, parts));
  const notices = [...parts.notices, ...configurationNotices(inForce), ...tokenNotices(organizations)];
  notices.push(...expiryNotices(organizations, parts.now));
  notices.sort((a, b) => a.level.localeCompare(b.level));
  return {
    version: parts.version,
    pid: parts.pid,
    startedAt: isoTime(parts.startedAt),
    health: worstOf(notices),
    notices,
    configuration: {
      source: inForce.configuration.source,
      inForce: inForce.stage,
      loadedAt: isoTime(inForce.loadedAt),
      warnings: inForce.configuration.warnings,
      problems: [...inForce.problems, ...inForce.configuration.problems],
    },
    sockets: parts.sockets.map(({scope, path}) => ({
      name: scope.name,
      path,
      organizations: scope.organizations && [...scope.organizations],
    })),
    gateways: parts.gateways,
    organizations,
    locks: locksOf(parts.rejections),
    requests: {
      served: tally.of('served'),
      passed: tally.of('passed'),
      failed: tally.of('failed'),
      medianMs: tally.medianMs,
    },
    memory: {residentBytes: parts.residentBytes},
    clockSkew: parts.clockSkew,
    environment: parts.environment,
  };
}

function organizationsOf(binding: Binding, {tokens, tally, rejections}: StatusParts): OrganizationStatus[] {
  const {identity, host, organizations, place} = binding;
  const token =
    identity.kind === 'stored' || identity.kind === 'unusable'
      ? undefined
      : tokens.statusOf({identity, scope: AZURE_DEVOPS_SCOPE});
  const isUnusable = identity.kind === 'unusable';
  const names = organizations.length === 0 ? [undefined] : organizations;
  return names.map((organization) => {
    const counted = {host, organization: organization === undefined ? ANY_OTHER : lowerName(organization)};
    const rejection = rejectionOf(binding, organization, rejections.organizations.all);
    const lastFailure = isUnusable ? identity.failure : (failureOf(token) ?? rejection);
    const lives = token?.expiresAt !== undefined && rejection === undefined;
    return {
      host,
      organization,
      identity: describeIdentity(identity),
      kind: identity.kind,
      place,
      state: isUnusable ? 'failed' : (token?.state ?? 'none'),
      health: lastFailure === undefined ? 'ok' : lives ? 'warning' : 'error',
      expiresAt: isoTime(token?.expiresAt),
      credentialExpiresAt: isoTime(token?.credentialExpiresAt),
      fingerprint: token?.fingerprint,
      requests: tally.of('served', counted) + tally.of('failed', counted),
      lastFailure,
    };
  });
}

/** A lock of the organization covers those of its repositories. */
function locksOf({organizations, locks}: Rejections): Lock[] {
  const whole = organizations.all.flatMap(({owner, path, lockedUntil}) =>
    lockedUntil === undefined ? [] : lockOf({owner, path, lockedUntil}, 'organization'),
  );
  const covered = new Set(whole.map(({organization}) => organization));
  return [
    ...whole,
    ...locks.filter(({owner}) => !covered.has(owner)).map((lock) => lockOf(lock, 'repository')),
  ];
}

function lockOf(
  {owner, path, lockedUntil}: Pick<RepositoryLock, 'owner' | 'path' | 'lockedUntil'>,
  covers: Lock['covers'],
): Lock {
  return {organization: owner, path: printable(path, 300), covers, until: isoTime(lockedUntil)};
}

/** Returns why Azure DevOps rejects the identity, until it accepts a token of it again. A fallback answers for all others. */
function rejectionOf(
  {identity, host}: Binding,
  organization: string | undefined,
  rejections: readonly OrganizationRejection[],
): OrganizationStatus['lastFailure'] {
  const name = organization === undefined ? undefined : lowerName(organization);
  const names = name === undefined ? undefined : [name, `${host}/${name}`];
  const found = rejections.find(
    ({owner, identity: key}) => key === identity.key && (names === undefined || names.includes(owner)),
  );
  if (found === undefined) return undefined;
  const {owner, path, lockedUntil} = found;
  const until = lockedUntil === undefined ? '' : ` until ${new Date(lockedUntil).toISOString()}`;
  return {
    code: NOT_ACCEPTED,
    message: `Azure DevOps rejected the credential for ${printable(path || owner, 100)}${until === '' ? '' : `, not used${until}`}`,
    hint: `run: orgkey doctor ${owner}`,
  };
}

function failureOf(token: TokenStatus | undefined): OrganizationStatus['lastFailure'] {
  const failure = token?.failure;
  return failure && {code: failure.code, message: failure.message, hint: failure.hint};
}

function configurationNotices({problems, configuration, bindings, isKept}: ConfigurationInForce): Notice[] {
  const first = problems[0];
  const told = new Set(
    bindings.all.map(({identity}) => (identity.kind === 'unusable' ? identity.failure.message : '')),
  );
  // what is wrong with a credential is in the notice of its organization
  const errors = configuration.problems.filter(({place, message}) => !told.has(`${place}: ${message}`));
  const notices: Notice[] = configuration.warnings.map(({place, message, hint}) => ({
    level: 'warning',
    about: 'configuration',
    message: `${place}: ${message}`,
    hint,
  }));
  for (const {place, message, hint = 'run: orgkey config check'} of errors)
    notices.push({level: 'error', about: 'configuration', message: `${place}: ${message}`, hint});
  if (first) {
    const what =
      bindings.all.length === 0
        ? 'no configuration is in force'
        : isKept
          ? 'the last valid configuration of an earlier run is in force, not the file'
          : 'the configuration before the last change is in force';
    notices.unshift({
      // git may be served, but not by what the file says
      level: 'error',
      about: 'configuration',
      message: `${what}: ${first.place}: ${first.message}`,
      hint: 'run: orgkey config check',
    });
  } else if (bindings.all.length === 0) {
    notices.push({
      level: 'warning',
      about: 'configuration',
      message: 'no credential is configured',
      hint: 'run: orgkey setup',
    });
  }
  return notices;
}

/** Returns one notice for each cause, however many organizations share it. */
function tokenNotices(organizations: readonly OrganizationStatus[]): Notice[] {
  const causes = Map.groupBy(
    organizations.filter(({lastFailure}) => lastFailure !== undefined),
    ({health, lastFailure}) => JSON.stringify([health, lastFailure]),
  );
  return [...causes.values()].flatMap((sharing) => {
    const [{health, lastFailure} = {}] = sharing;
    if (lastFailure === undefined) return [];
    const {code, message, hint} = lastFailure;
    const names = sharing.map(shownName);
    return {
      level: health === 'error' ? 'error' : 'warning',
      about: 'organization',
      organizations: names,
      message: `${names.join(', ')}: ${message} (${code})`,
      // one sign-in serves all that share it
      hint:
        nameInRepair(hint, names[0]) ?? `run: orgkey doctor ${names.length === 1 ? names[0] : ''}`.trimEnd(),
    };
  });
}

/** Warns of certificates that end soon, one notice for each. */
function expiryNotices(organizations: readonly OrganizationStatus[], now: number): Notice[] {
  const ending = Map.groupBy(organizations, ({identity, credentialExpiresAt}) =>
    credentialExpiresAt !== undefined && Date.parse(credentialExpiresAt) - now < SOON
      ? `${identity} ends on ${credentialExpiresAt.slice(0, 10)}`
      : '',
  );
  ending.delete('');
  return Array.from(ending, ([message, sharing]) => {
    const names = sharing.map(shownName);
    return {
      level: 'warning',
      about: 'organization',
      organizations: names,
      message: `${names.join(', ')}: the ${message}`,
      hint: 'make a new certificate, and add its public half to the app registration before that day',
    };
  });
}

/** In milliseconds. */
const SOON = 14 * 86_400_000;

function worstOf(notices: readonly Notice[]): Health {
  if (notices.some(({level}) => level === 'error')) return 'error';
  return notices.length > 0 ? 'warning' : 'ok';
}
