import {type Bindings, namesIn} from '../identity/bindings.ts';
import {nearestWord} from '../text/nearest-word.ts';
import {printable} from '../text/printable.ts';

/** Returns the failure for an organization that no credential covers, with the name that was probably meant. */
export function notConfigured(
  organization: string,
  {all}: Bindings,
): {readonly code: string; readonly message: string; readonly hint: string} {
  const near = nearestWord(organization, namesIn(all));
  return {
    code: 'ERR_NOT_CONFIGURED',
    message: `${printable(organization, 80)} is not configured`,
    hint: near === undefined ? 'run: orgkey org list' : `did you mean: ${printable(near, 80)}`,
  };
}
