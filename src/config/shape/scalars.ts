import type {SecretSource} from '../../identity/identity.ts';
import {sourceOf, type Written} from '../text/written.ts';
import type {SecretForm} from '../value/secret-bytes.ts';
import type {AgentKeySource} from '../value/value-source.ts';
import {WRONG, type Form, type Kind, type Reader, type Slot, type Wrong} from './kind.ts';

/** The rule for a text. Texts may come from `$env`, `$file` and `${NAME}`; the rule is for the text that results. */
interface TextRule<Value> {
  /** Completes `KEY must be …`. */
  readonly expected: string;
  /** A regular expression for the whole text. Default: any text. */
  readonly pattern?: string;
  readonly choices?: readonly string[];
  /** An accepted text. */
  readonly example: string;
  /** Returns the value of a text that matches the pattern, or `undefined` if it is still wrong. */
  readonly value: (text: string, match: RegExpExecArray) => Value | undefined;
  readonly hint?: (text: string) => string | undefined;
  /** For quantities: how the reference names them. YAML numbers are accepted. */
  readonly quantity?: 'number' | 'size';
  /** Returns the value of a text whose variable is not set here. Default: the value is not usable. */
  readonly unknown?: (text: string) => Value;
}

export function text<Value>(rule: TextRule<Value>): Kind<Value> {
  const {pattern, choices, example, quantity} = rule;
  // made when it is needed: most keys are missing in most configurations
  let whole: RegExp | undefined;
  return {
    form: {name: quantity ?? 'text', pattern, choices, example},
    read(written, slot, reader) {
      const found = textFrom(written, slot, reader, rule);
      if (found === WRONG) return WRONG;
      whole ??= pattern === undefined ? /^.*$/su : new RegExp(`^(?:${pattern})$`, 'u');
      const match = whole.exec(found);
      const value = match === null ? undefined : rule.value(found, match);
      if (value !== undefined) return value;
      if (reader.problems.isOpen(written.at)) return rule.unknown?.(found) ?? reader.wrong();
      return reader.refuse(written.at, `${slot.label} must be ${rule.expected}`, rule.hint?.(found));
    },
  };
}

export function oneOf<const Word extends string>(...choices: readonly [Word, ...Word[]]): Kind<Word> {
  return text({
    expected: choices.join(' or '),
    pattern: choices.join('|'),
    choices,
    example: choices[0],
    value: (found) => choices.find((choice) => choice === found),
  });
}

/** A text, or a word that means "not set". The empty text means the same. */
export function unless<Value>(word: string, kind: Kind<Value>): Kind<Value | undefined> {
  const {form} = kind;
  const both = 'pattern' in form && form.pattern !== undefined ? {pattern: `${word}|${form.pattern}`} : {};
  return {
    form: {...form, ...both},
    read(written, slot, reader) {
      if (written.kind === 'text' || sourceOf(written) !== undefined) {
        const found = reader.resolver.text(written);
        if (found === word || found === '') return undefined;
      }
      return kind.read(written, slot, reader);
    },
  };
}

function textFrom<Value>(
  written: Written,
  slot: Slot,
  reader: Reader,
  {expected, quantity}: TextRule<Value>,
): string | Wrong {
  switch (written.kind) {
    case 'text':
      return reader.resolver.text(written) ?? reader.wrong();
    case 'map':
      if (sourceOf(written) === undefined) return reader.wrongType(written, slot, expected);
      return reader.resolver.text(written) ?? reader.wrong();
    case 'number':
      return quantity === undefined ? wantsQuotes(written, reader) : String(written.value);
    case 'flag':
      return quantity === undefined
        ? wantsQuotes(written, reader)
        : reader.wrongType(written, slot, expected);
    case 'list':
    case 'nothing':
      return reader.wrongType(written, slot, expected);
  }
}

function wantsQuotes({kind, at}: Written, reader: Reader): Wrong {
  const taken = kind === 'number' ? 'a number' : 'true or false';
  return reader.refuse(at, `YAML reads this as ${taken}: put quotes around it`);
}

/** `true` or `false`, as such or as the text of a variable. */
export const FLAG: Kind<boolean> = {
  form: {name: 'true or false'},
  read(written, slot, reader) {
    if (written.kind === 'flag') return written.value;
    if (written.kind !== 'text' && sourceOf(written) === undefined)
      return reader.wrongType(written, slot, 'true or false');
    const found = reader.resolver.text(written);
    if (found === undefined) return reader.wrong();
    if (found === 'true' || found === 'false') return found === 'true';
    return reader.refuse(written.at, `${slot.label} must be true or false`);
  },
};

/** A key that selects a kind of credential: only a variable may switch it off. */
export const SWITCH: Kind<boolean> = {
  form: FLAG.form,
  read(written, slot, reader) {
    if (written.kind === 'flag' && !written.value)
      return reader.refuse(written.at, `${slot.label} can only be true: leave the credential out instead`);
    return FLAG.read(written, slot, reader);
  },
};

/** A secret, or where it is fetched from when it is needed. */
export function secret(form: SecretForm): Kind<SecretSource> {
  return {
    form: {name: 'secret', isForSsh: false},
    read(written, slot, reader) {
      if (written.kind === 'number' || written.kind === 'flag') return wantsQuotes(written, reader);
      if (written.kind !== 'text' && sourceOf(written) === undefined)
        return reader.wrongType(
          written,
          slot,
          'text or one of $env, $file, $command, $credential, $keyring, $keyVault',
        );
      return reader.resolver.secret(written, form) ?? reader.wrong();
    },
  };
}

/** The private key of submodules: a secret, or a key that an ssh-agent holds. */
export const SSH_KEY: Kind<SecretSource | AgentKeySource> = {
  form: {name: 'secret', isForSsh: true},
  read(written, slot, reader) {
    if (written.kind === 'map' && written.entries.has('$agent'))
      return reader.resolver.agentKey(written) ?? reader.wrong();
    return secret('lines').read(written, slot, reader);
  },
};

/** A value that other programs read. */
export const ANYTHING: Kind<undefined> = {
  form: {name: 'anything'} satisfies Form,
  read: () => undefined,
};
