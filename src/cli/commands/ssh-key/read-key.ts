import type {SubmoduleSettings} from '../../../config/configuration.ts';
import type {SigningKey} from '../../../ssh/key/signing-key.ts';
import {readRuleKey} from '../../../ssh/read-rule-key.ts';
import {CommandError} from '../../command-error.ts';
import type {Context} from '../../context.ts';
import {EXIT} from '../../exit-code.ts';

/** Returns the key of a rule. @throws {CommandError} if it cannot be read here. */
export async function readKeyOf(rule: SubmoduleSettings, {environment}: Context): Promise<SigningKey> {
  const reading = await readRuleKey(rule, environment);
  switch (reading.kind) {
    case 'key':
      return reading.key;
    case 'failed':
      throw new CommandError(EXIT.unhealthy, reading.reason, {hint: reading.hint});
    case 'elsewhere':
      throw new CommandError(EXIT.unhealthy, 'the key is not in a file; only the daemon reads it');
  }
}
