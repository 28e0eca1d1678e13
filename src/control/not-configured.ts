import type {Bindings} from '../identity/bindings.ts';
import {SERVICES_HOST} from '../organization/owner.ts';
import {nearestWord} from '../text/nearest-word.ts';
import {printable} from '../text/printable.ts';

/** Returns the failure for an organization that no credential covers, with the name that was probably meant. */
export function notConfigured(
  organization: string,
  {all}: Bindings,
): {readonly code: string; readonly message: string; readonly hint: string} {
  const names = all.flatMap(({host, organizations}) =>
    organizations.map((name) => (host === SERVICES_HOST ? name : `${host}/${name}`)),
  );
  const near = nearestWord(organization, names);
  return {
    code: 'ERR_NOT_CONFIGURED',
    message: `${printable(organization, 80)} is not configured`,
    hint: near === undefined ? 'run: orgkey org list' : `did you mean: ${printable(near, 80)}`,
  };
}
