import type {Binding} from '../../identity/bindings.ts';
import {nearestWord} from '../../text/nearest-word.ts';
import {printable} from '../../text/printable.ts';
import {CommandError} from '../command-error.ts';
import {EXIT} from '../exit-code.ts';
import {nameForDaemon} from './named-organization.ts';

/** Returns the error for an organization that is not configured, with the name that was probably meant. */
export function explainUnknown(
  name: string,
  bindings: readonly Pick<Binding, 'host' | 'organizations'>[],
): CommandError {
  const names = bindings.flatMap(({host, organizations}) =>
    organizations.map((organization) => nameForDaemon({host, organization})),
  );
  const near = nearestWord(name, names);
  return new CommandError(EXIT.usage, `${printable(name, 80)} is not configured`, {
    code: 'ERR_NOT_CONFIGURED',
    hint: near === undefined ? 'run: orgkey org list' : `did you mean: ${printable(near, 80)}`,
  });
}
