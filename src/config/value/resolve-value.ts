import type {SecretSource} from '../../identity/identity.ts';
import {whyUnsafe} from '../../files/read-protected-file.ts';
import {Secret} from '../../secret/secret.ts';
import {shellWord} from '../../text/quote-for-shell.ts';
import {showablePath} from '../../text/showable.ts';
import type {Problems} from '../text/problems.ts';
import {sourceOf, type Written, type WrittenMap} from '../text/written.ts';
import {fileNamedIn} from './named-files.ts';
import {trimmedBytes, whyUnusable, type SecretForm} from './secret-bytes.ts';
import {hasOwnText} from './substitute.ts';
import {Sources, type AgentKeySource, type Source, type Surroundings} from './value-source.ts';

/** Turns what is written into what is meant: replaces variables, and reads sources such as `$file`. */
export class Resolver {
  readonly #surroundings: Surroundings;
  readonly #problems: Problems;
  readonly #sources: Sources;
  readonly #literals: number[] = [];
  readonly #harmless = new Set<number>();

  constructor(surroundings: Surroundings, problems: Problems) {
    this.#surroundings = surroundings;
    this.#problems = problems;
    this.#sources = new Sources(surroundings, problems);
  }

  /** The places of secrets, or parts of them, in the configuration itself. */
  get literals(): readonly number[] {
    return this.#literals;
  }

  /** The offsets of texts that are not secret. */
  get harmless(): ReadonlySet<number> {
    return this.#harmless;
  }

  get variables(): ReadonlySet<string> {
    return this.#sources.variables;
  }

  /** Returns a text that is not secret, trimmed. `undefined`: it cannot be resolved, and that was reported. */
  text(written: Written | undefined): string | undefined {
    if (written?.kind === 'text') {
      this.#harmless.add(written.at);
      return this.#sources.substituted(written.text, written.at);
    }
    if (written?.kind !== 'map' || sourceOf(written) === undefined) return undefined;
    const source = this.#find(written);
    switch (source?.from) {
      case undefined:
        return undefined;
      case 'variable':
        return source.text;
      case 'absent':
        this.#problems.leaveOpen(written.at, source.message);
        return source.shown;
      case 'file':
        return this.#textOf(source);
      case 'command':
      case 'keyring':
      case 'key-vault':
        return this.#problems.refuse(written.at, 'this source is for secrets only: use text, $env or $file');
    }
  }

  /** Returns a secret, or where to fetch it at each use. `undefined`: it cannot be used, and that was reported. */
  secret(written: Written, form: SecretForm): SecretSource | undefined {
    const source = this.#secretSource(written);
    if (source?.from !== 'held') return source;
    const file = this.fileOf(written);
    const what = file === undefined ? undefined : `the secret in ${showablePath(file)}`;
    const reason = whyUnusable(source.secret, form, what);
    if (reason === undefined) return source;
    return this.#problems.refuse(written.at, reason);
  }

  /** Returns the key of `{$agent: …, publicKey: …}`. `undefined`: it cannot be used, and that was reported. */
  agentKey(written: WrittenMap): AgentKeySource | undefined {
    return this.#sources.agentKey(written, (value) => this.text(value));
  }

  /** Returns the absolute path of the file that a value is read from. `undefined`: it comes from elsewhere. */
  fileOf(written: Written | undefined): string | undefined {
    return written?.kind === 'map' ? fileNamedIn(written, this.#surroundings) : undefined;
  }

  #find(written: WrittenMap): Source | undefined {
    return this.#sources.find(written, (value) => this.text(value));
  }

  #textOf({path, at}: Extract<Source, {from: 'file'}>): string | undefined {
    const text = this.#file(path, at, false)?.toString('utf8').trim();
    if (text === '') this.#problems.refuse(at, 'the file is empty');
    return text || undefined;
  }

  #secretSource(written: Written): SecretSource | undefined {
    const {at} = written;
    if (written.kind === 'text') return this.#writtenSecret(written.text, at, written.cut);
    const source = written.kind === 'map' ? this.#find(written) : undefined;
    switch (source?.from) {
      case 'absent':
        this.#problems.leaveOpen(at, source.message);
        return {from: 'held', secret: Secret.fromText(source.shown)};
      case 'variable':
        return {from: 'held', secret: Secret.fromText(source.text)};
      case 'file': {
        const bytes = this.#file(source.path, source.at, true);
        return bytes && {from: 'held', secret: new Secret(trimmedBytes(bytes))};
      }
      case 'command':
      case 'keyring':
      case 'key-vault':
      case undefined:
        return source;
    }
  }

  #writtenSecret(text: string, at: number, cut: boolean): SecretSource | undefined {
    if (cut && !/^\$\{[^{}]*\}$/.test(text))
      return this.#problems.refuse(
        at,
        'YAML reads the # and the rest as a comment: put quotes around the text',
      );
    if (hasOwnText(text)) this.#literals.push(at);
    else this.#harmless.add(at);
    const substituted = this.#sources.substituted(text, at);
    return substituted === undefined ? undefined : {from: 'held', secret: Secret.fromText(substituted)};
  }

  #file(path: string, at: number, holdsSecret: boolean): Buffer | undefined {
    const read = this.#surroundings.files.get(path);
    const name = `the file ${showablePath(path)}`;
    if (read === undefined || read.kind === 'failed')
      return this.#problems.refuse(at, `${name} ${read?.message ?? 'was not read'}`, read?.hint);
    const unsafe = whyUnsafe({path, ...read}, {uid: this.#surroundings.uid, holdsSecret});
    if (unsafe === undefined) return read.bytes;
    if (unsafe.severity === 'warning') {
      this.#problems.warn(at, `${name} ${unsafe.message}`, unsafe.hint);
      return read.bytes;
    }
    const hint = unsafe.hint === undefined ? undefined : `${unsafe.hint} ${shellWord(showablePath(path))}`;
    return this.#problems.refuse(at, `${name} ${unsafe.message}`, hint);
  }
}
