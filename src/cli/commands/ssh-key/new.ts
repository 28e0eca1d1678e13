import {readIfThere} from '../../../files/replace-file.ts';
import {makePrivateKey} from '../../../ssh/key/private-key.ts';
import type {Context} from '../../context.ts';
import {EXIT, type ExitCode} from '../../exit-code.ts';
import {ownerOf, type KeyOptions} from './owner.ts';
import {planUse, useKey} from './use-key.ts';
import {usageError} from '../../command-error.ts';

/** Runs `orgkey ssh-key new`. An existing key is never overwritten. */
export async function create(options: KeyOptions, context: Context): Promise<ExitCode> {
  const owner = ownerOf(options, context);
  const {name, path} = owner;
  const use = await planUse(owner, options, context);
  if (use.rule !== undefined || (await readIfThere(path)) !== undefined)
    throw usageError(
      `${name} already has a key`,
      `print it: orgkey ssh-key show-public ${name}; or first: orgkey ssh-key remove ${name}`,
    );
  context.terminal.say('creating an RSA key of 4096 bits …');
  await useKey(owner, use, await makePrivateKey(), {options, context});
  return EXIT.ok;
}
