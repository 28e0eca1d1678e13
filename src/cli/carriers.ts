import type {Configuration} from '../config/configuration.ts';
import {locateRepository} from '../gateway/rule/repository.ts';
import {allowsRepository, reachesOrganization} from '../gateway/rule/rule.ts';
import {Bindings} from '../identity/bindings.ts';

/** A gateway that carries one repository; the names are those of `--json`. */
export interface Carrying {
  readonly name: string;
  /** Patterns of refs. Empty: fetch only. */
  readonly push: readonly string[];
}

export function carriersOf(address: string, {bindings, settings}: Configuration): Carrying[] {
  const {host, pathname} = new URL(address);
  const located = locateRepository(host, pathname, new Bindings(bindings).serversAt);
  if ('reason' in located) return [];
  return settings.gateways
    .filter(({rule}) => allowsRepository(rule, located.repository))
    .map(({name, rule: {push}}) => ({name, push}));
}

/** Returns the gateways that carry some repository of an organization of Azure DevOps Services. */
export function carriersFor(organization: string, {settings}: Configuration): Carrying[] {
  return settings.gateways
    .filter(({rule}) => reachesOrganization(rule, organization))
    .map(({name, rule: {push}}) => ({name, push}));
}

export function describeCarrying({name, push}: Carrying): string {
  return push.length === 0 ? `${name} (fetch)` : `${name} (fetch, push to ${push.join(' ')})`;
}
