import type {Binding} from '../identity/bindings.ts';
import {SERVICES_HOST} from '../organization/owner.ts';
import {nearestWord} from '../text/nearest-word.ts';

/** Returns the configured organization, or `HOST/COLLECTION`, that was probably meant. */
export function nearestName(
  name: string,
  bindings: readonly Pick<Binding, 'host' | 'organizations'>[],
): string | undefined {
  const names = bindings.flatMap(({host, organizations}) =>
    organizations.map((organization) => (host === SERVICES_HOST ? organization : `${host}/${organization}`)),
  );
  return nearestWord(name, names);
}
