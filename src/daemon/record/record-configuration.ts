import type {Configuration} from '../../config/configuration.ts';
import {describeIdentity} from '../../identity/identity.ts';
import {printable} from '../../text/printable.ts';
import type {Reading} from '../apply-configuration.ts';
import type {ConfigurationInForce} from '../supply/configuration-in-force.ts';
import type {AuditTrail} from './audit-trail.ts';
import {shownName} from '../../organization/owner.ts';

export function recorderOf(
  audit: Pick<AuditTrail, 'note'>,
): (reading: Reading, inForce: ConfigurationInForce) => void {
  let before: ReadonlyMap<string, string> = new Map();
  return function recordChange({isNew, problems: [problem]}, {configuration, isKept}) {
    const reason = problem && printable(`${problem.place}: ${problem.message}`, 500);
    const path = printable(configuration.source, 500);
    if (!isNew) return audit.note({event: 'configuration', outcome: 'rejected', path, reason});
    const after = partsOf(configuration);
    audit.note({
      event: 'configuration',
      outcome: isKept ? 'kept from an earlier run' : 'taken',
      path,
      reason,
      added: listOf([...after.keys()].filter((name) => !before.has(name))),
      changed: listOf(
        [...after].filter(([name, part]) => differs(before.get(name), part)).map(([name]) => name),
      ),
      removed: listOf([...before.keys()].filter((name) => !after.has(name))),
    });
    before = after;
  };
}

/** Returns what decides who gets what, by name. Secrets are compared by their keyed hashes. */
function partsOf({bindings, settings}: Configuration): Map<string, string> {
  const parts = new Map<string, string>();
  for (const {host, organizations, identity} of bindings)
    for (const organization of organizations.length === 0 ? [undefined] : organizations)
      parts.set(`${shownName({host, organization})}: ${describeIdentity(identity)}`, identity.key);
  for (const {organizations, host, privateKey, ...rule} of settings.submodules)
    for (const organization of organizations)
      parts.set(
        `submodule key of ${organization} at ${host}`,
        JSON.stringify({...rule, from: privateKey.from, place: undefined}),
      );
  for (const socket of settings.sockets) parts.set(`socket ${socket.name}`, JSON.stringify(socket));
  for (const gateway of settings.gateways) parts.set(`gateway ${gateway.name}`, JSON.stringify(gateway));
  parts.set('audit', JSON.stringify(settings.audit));
  return parts;
}

function differs(before: string | undefined, after: string): boolean {
  return before !== undefined && before !== after;
}

/** Returns a list that fits into a line. `undefined`: it is empty. */
function listOf(names: readonly string[]): string[] | undefined {
  if (names.length === 0) return undefined;
  const more = names.length - MOST;
  const shown = names.slice(0, MOST).map((name) => printable(name, 200));
  return more > 0 ? [...shown, `and ${more} more`] : shown;
}

const MOST = 50;
