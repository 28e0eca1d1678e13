import {Secret} from '../../../secret/secret.ts';
import {readKeyFile} from '../../../ssh/key/key-file.ts';
import {readPrivateKey} from '../../../ssh/key/private-key.ts';
import type {Context} from '../../context.ts';
import {EXIT, type ExitCode} from '../../exit-code.ts';
import {absolute, homeOf} from '../../locate.ts';
import {ownerOf, type KeyOptions} from './owner.ts';
import {planUse, useKey} from './use-key.ts';
import {usageError} from '../../command-error.ts';

interface AddOptions extends KeyOptions {
  readonly file?: string | undefined;
  readonly force: boolean;
}

export async function add(options: AddOptions, context: Context): Promise<ExitCode> {
  const owner = ownerOf(options, context);
  const use = await planUse(owner, options, context);
  const secret = await readKey(options, context);
  const reading = await readPrivateKey(secret, use.host);
  if (reading.kind !== 'key') throw usageError(reading.reason, reading.hint);
  await useKey(owner, use, {secret, key: reading.key}, {options, context});
  return EXIT.ok;
}

async function readKey({file, force}: AddOptions, context: Context): Promise<Secret> {
  const {terminal} = context;
  if (file === undefined) {
    if (!terminal.isInteractive)
      throw usageError(
        'no key was given, and without a terminal we cannot ask for one',
        'pass --file FILE, or --file - for stdin',
      );
    const typed = await terminal.askSecretLines('Paste the private key');
    if (typed === undefined) throw usageError('no key was entered');
    return typed;
  }
  if (file === '-') return new Secret(Uint8Array.from(await terminal.readInput(LONGEST)));
  const reading = await readKeyFile(absolute(file, context), {
    home: homeOf(context),
    userId: context.uid,
    personal: force ? 'accepted' : 'rejected',
  });
  if (reading.kind === 'text') return reading.secret;
  throw usageError(reading.reason, reading.hint);
}

/** In bytes; the largest RSA key has 13 KiB. */
const LONGEST = 64 * 1024;
