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

/** From what is nearest to what is farthest: whatever is wrong, its cause stands above it. */
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

/** How many organizations are asked at once: each may cost a sign-in. */
const AT_ONCE = 4;

/** Every check, in order; each diagnostic comes as soon as it and those before it are known. */
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
      `${world.left} more were not asked; name one: orgkey doctor ORGANIZATION`,
    );
}

/** A check that breaks says so, and keeps no other from being made. */
async function guarded(
  group: string,
  check: () => Promise<readonly Diagnostic[]>,
): Promise<readonly Diagnostic[]> {
  try {
    return await check();
  } catch (error) {
    const reason = printable(error instanceof Error ? error.message : String(error), 200);
    return [
      diagnosticsOf(group).failed(
        'check',
        `could not be made: ${reason}`,
        'report it, with: orgkey doctor --bundle FILE',
      ),
    ];
  }
}
