import type {Binding} from '../identity/bindings.ts';
import {lowerName} from '../organization/organization.ts';
import type {Configuration, Problem} from './configuration.ts';
import {nameSome} from '../text/name-some.ts';
import {shownName} from '../organization/owner.ts';

/**
 * Warns of scoped sockets whose tokens reach further than the socket: Azure DevOps accepts a token of an identity for
 * every organization that the identity is a member of, whichever socket it came from.
 */
export function wideSockets({bindings, settings}: Pick<Configuration, 'bindings' | 'settings'>): Problem[] {
  const byIdentity = Map.groupBy(bindings, ({identity}) => identity.key);
  return settings.sockets.flatMap(({name, organizations}) => {
    const inside = new Set(organizations);
    return [...byIdentity.values()].flatMap((ofIdentity) => {
      const [first] = ofIdentity;
      const served = ofIdentity.flatMap((binding) => namesOf(binding));
      const isForAll = ofIdentity.some((binding) => binding.organizations.length === 0);
      const outside = served.filter((organization) => !inside.has(organization));
      const isServed = served.some((organization) => inside.has(organization)) || isForAll;
      if (first === undefined || first.identity.kind === 'stored' || !isServed) return [];
      if (outside.length === 0 && !isForAll) return [];
      return [problem(first, name, outside)];
    });
  });
}

function namesOf({host, organizations}: Binding): string[] {
  return organizations.map((name) => shownName({host, organization: lowerName(name)}));
}

function problem({place}: Binding, socket: string, outside: readonly string[]): Problem {
  const others = outside.length === 0 ? 'all other organizations' : nameSome(outside, 3);
  return {
    place,
    message: `tokens from the socket ${socket} are also valid for ${others}, which this identity serves too`,
    hint: "give the socket's organizations an app of their own, or a gateway, which hands out no token",
  };
}
