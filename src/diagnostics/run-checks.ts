import {messageOf} from '../text/orgkey-error.ts';
import {printable} from '../text/printable.ts';
import {checkConfiguration} from './checks/check-configuration.ts';
import {checkDaemon} from './checks/check-daemon.ts';
import {checkEnvironment} from './checks/check-environment.ts';
import {checkGateways} from './checks/check-gateways.ts';
import {checkGit} from './checks/check-git.ts';
import {checkHelpers} from './checks/check-helpers.ts';
import {checkNetwork} from './checks/check-network.ts';
import {checkNode} from './checks/check-node.ts';
import {checkOrganization} from './checks/check-organization.ts';
import {checkRemotes} from './checks/check-remotes.ts';
import {checkSockets} from './checks/check-sockets.ts';
import {checkStore} from './checks/check-store.ts';
import {checkStoredLogins} from './checks/check-stored-logins.ts';
import {checkSubmodules} from './checks/check-submodules.ts';
import {checkTools} from './checks/check-tools.ts';
import {checkTransport} from './checks/check-transport.ts';
import {checkWithGit} from './checks/check-with-git.ts';
import {checkWithSsh} from './checks/check-with-ssh.ts';
import {diagnosticsOf, type Diagnostic} from './diagnostic.ts';
import {tellVerdict} from './probe-organization.ts';
import type {Target} from './target.ts';
import type {Check, World} from './world.ts';

/** In the order of dependence: the cause of a failure is printed above its effects. */
const CHECKS: readonly (readonly [group: string, check: Check])[] = [
  ['machine', checkNode],
  ['git', checkGit],
  ['git', checkHelpers],
  ['git', checkStoredLogins],
  ['git', checkTransport],
  ['repository', checkRemotes],
  ['configuration', checkConfiguration],
  ['daemon', checkDaemon],
  ['daemon', checkEnvironment],
  ['daemon', checkSockets],
  ['daemon', checkStore],
  ['gateways', checkGateways],
  ['submodules', checkSubmodules],
  ['submodules', checkWithSsh],
  ['tools', checkTools],
  ['network', checkNetwork],
];

/** How many organizations are checked at once: each may cost a token request. */
const AT_ONCE = 4;

/**
 * Runs every check, in order, and ends in time. Yields each diagnostic as soon as it and the ones before it are known.
 * `start` gets the group that is checked now.
 */
export async function* runChecks(
  world: World,
  start: (group: string) => void = () => undefined,
): AsyncGenerator<Diagnostic> {
  const end = performance.now() + RUN_LIMIT;
  const found: Diagnostic[] = [];
  for (const [group, check] of CHECKS) {
    start(group);
    const diagnostics = await guarded(group, end, () => check(world, found));
    found.push(...diagnostics);
    yield* diagnostics;
  }
  const waiting: Promise<readonly Diagnostic[]>[] = [];
  for (const target of world.targets) {
    start(target.name);
    waiting.push(guarded(target.name, end, () => checkTarget(target, world, found)));
    if (waiting.length >= AT_ONCE) yield* (await waiting.shift()) ?? [];
  }
  for (const diagnostics of waiting) yield* await diagnostics;
  if (world.left > 0)
    yield diagnosticsOf('others').skipped(
      'organizations',
      `${world.left} more were not checked; to check one: orgkey doctor ORGANIZATION`,
    );
}

/** The steps that orgkey takes, then git itself, on what was named or on a repository that the organization shows. */
async function checkTarget(
  target: Target,
  world: World,
  before: readonly Diagnostic[],
): Promise<readonly Diagnostic[]> {
  const failures = before.filter(({outcome}) => outcome === 'failed');
  const unreachable = new Set(failures.filter(({group}) => group === 'network').map(({title}) => title));
  const {diagnostics, repository} = await checkOrganization(target, {...world, unreachable});
  if (world.daemon.kind === 'running') await tellVerdict(target, diagnostics, world.daemon);
  const named = world.trials.filter(({name}) => name === target.name);
  const shown = repository === undefined ? [] : [{remote: repository, url: repository}];
  const failed = whatFailed(failures, diagnostics);
  const tried: Diagnostic[] = [];
  for (const trial of named.length === 0 ? shown : named)
    tried.push(await checkWithGit({...trial, group: target.name, failed}, world));
  return [...diagnostics, ...tried];
}

function whatFailed(
  before: readonly Diagnostic[],
  own: readonly Diagnostic[],
): 'nothing' | 'something' | 'credential' {
  if (own.some(({outcome}) => outcome === 'failed')) return 'credential';
  return before.some(({group}) => group !== 'submodules') ? 'something' : 'nothing';
}

/** In milliseconds, for one check and for all of them. */
const CHECK_LIMIT = 40_000;
const RUN_LIMIT = 90_000;

/** Turns an exception of a check into a diagnostic, so that the other checks still run, and ends one that hangs. */
async function guarded(
  group: string,
  end: number,
  check: () => Promise<readonly Diagnostic[]>,
): Promise<readonly Diagnostic[]> {
  const {skipped, failed} = diagnosticsOf(group);
  const left = Math.min(CHECK_LIMIT, end - performance.now());
  if (left <= 0) return [skipped('check', 'not checked: the checks before took too long')];
  const late = Promise.withResolvers<readonly Diagnostic[]>();
  const timer = setTimeout(() => {
    const detail = `this check did not end within ${Math.round(left / 1000)} s`;
    late.resolve([failed('check', detail, 'orgkey doctor --bundle FILE\nand report it')]);
  }, left);
  try {
    return await Promise.race([check(), late.promise]);
  } catch (error) {
    const reason = printable(messageOf(error), 200);
    return [
      failed(
        'check',
        `this check failed: ${reason}`,
        'report this, and attach the file of: orgkey doctor --bundle FILE',
      ),
    ];
  } finally {
    clearTimeout(timer);
  }
}
