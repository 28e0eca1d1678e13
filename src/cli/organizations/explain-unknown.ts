import type {Binding} from '../../identity/bindings.ts';
import {nearestName} from '../../diagnostics/nearest-name.ts';
import {printable} from '../../text/printable.ts';
import {CommandError} from '../command-error.ts';
import {EXIT} from '../exit-code.ts';

/** Returns the error for an organization that is not configured, with the name that was probably meant. */
export function explainUnknown(
  name: string,
  bindings: readonly Pick<Binding, 'host' | 'organizations'>[],
): CommandError {
  const near = nearestName(name, bindings);
  return new CommandError(EXIT.usage, `${printable(name, 80)} is not configured`, {
    code: 'ERR_NOT_CONFIGURED',
    hint: near === undefined ? 'run: orgkey org list' : `did you mean: ${printable(near, 80)}`,
  });
}
