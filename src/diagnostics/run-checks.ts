import {messageOf} from '../text/orgkey-error.ts';
import {printable} from '../text/printable.ts';
import {checkConfiguration} from './checks/check-configuration.ts';
import {checkDaemon} from './checks/check-daemon.ts';
import {checkEnvironment} from './checks/check-environment.ts';
import {checkGit} from './checks/check-git.ts';
import {checkHelpers} from './checks/check-helpers.ts';
import {checkNetwork} from './checks/check-network.ts';
import {checkNode} from './checks/check-node.ts';
import {checkOrganization} from './checks/check-organization.ts';
import {checkRemotes} from './checks/check-remotes.ts';
import {checkSockets} from './checks/check-sockets.ts';
import {checkStore} from './checks/check-store.ts';
import {checkSubmodules} from './checks/check-submodules.ts';
import {checkTransport} from './checks/check-transport.ts';
import {diagnosticsOf, type Diagnostic} from './diagnostic.ts';
import type {Check, World} from './world.ts';

/** In the order of dependence: the cause of a failure is printed above its effects. */
const CHECKS: readonly (readonly [group: string, check: Check])[] = [
  ['machine', checkNode],
  ['git', checkGit],
  ['git', checkHelpers],
  ['git', checkTransport],
  ['repository', checkRemotes],
  ['configuration', checkConfiguration],
  ['daemon', checkDaemon],
  ['daemon', checkEnvironment],
  ['daemon', checkSockets],
  ['daemon', checkStore],
  ['submodules', checkSubmodules],
  ['network', checkNetwork],
];

/** How many organizations are checked at once: each may cost a token request. */
const AT_ONCE = 4;

/** Runs every check, in order. Yields each diagnostic as soon as it and the ones before it are known. */
export async function* runChecks(world: World): AsyncGenerator<Diagnostic> {
  for (const [group, check] of CHECKS) yield* await guarded(group, () => check(world));
  const waiting: Promise<readonly Diagnostic[]>[] = [];
  for (const target of world.targets) {
    waiting.push(guarded(target.name, () => checkOrganization(target, world)));
    if (waiting.length >= AT_ONCE) yield* (await waiting.shift()) ?? [];
  }
  for (const found of waiting) yield* await found;
  if (world.left > 0)
    yield diagnosticsOf('others').skipped(
      'organizations',
      `${world.left} more were not checked; to check one: orgkey doctor ORGANIZATION`,
    );
}

/** Turns an exception of a check into a diagnostic, so that the other checks still run. */
async function guarded(
  group: string,
  check: () => Promise<readonly Diagnostic[]>,
): Promise<readonly Diagnostic[]> {
  try {
    return await check();
  } catch (error) {
    const reason = printable(messageOf(error), 200);
    return [
      diagnosticsOf(group).failed(
        'check',
        `this check failed: ${reason}`,
        'report this, and attach the file of: orgkey doctor --bundle FILE',
      ),
    ];
  }
}
