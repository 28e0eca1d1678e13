import type {AgentKeySource} from '../../../config/configuration.ts';
import {SCHEMA_VERSION} from '../../../control/control-protocol.ts';
import type {Binding} from '../../../identity/bindings.ts';
import type {SecretSource} from '../../../identity/identity.ts';
import {printable} from '../../../text/printable.ts';
import type {Context, Places} from '../../context.ts';
import {EXIT, type ExitCode} from '../../exit-code.ts';
import {readConfiguration} from '../../read-configuration.ts';

/** Runs `orgkey config show`: every default is filled in, every secret is left out. */
export async function show(options: Places & {readonly json: boolean}, context: Context): Promise<ExitCode> {
  const {source, bindings, settings} = await readConfiguration(options, context);
  const shown = {
    source,
    credentials: bindings.map(showBinding),
    orgkey: {
      ...settings,
      submodules: settings.submodules.map(({privateKey, ...rule}) => ({
        ...rule,
        privateKey: showSecret(privateKey),
      })),
    },
  };
  const {terminal} = context;
  if (options.json) terminal.printJson({schemaVersion: SCHEMA_VERSION, ...shown});
  else
    terminal.print(
      layValue({...shown, credentials: shown.credentials.map((one) => ({...one, ...named(one)}))}).join('\n'),
    );
  return EXIT.ok;
}

/** A credential without organizations is for the others. */
function named({organizations}: {readonly organizations: readonly string[]}): object {
  return organizations.length === 0 ? {organizations: 'all that no other credential names'} : {};
}

function showBinding({identity, ...binding}: Binding): Omit<Binding, 'identity'> {
  const shown = Object.entries(identity).filter(([name]) => name !== 'key');
  const fields = shown.map(([name, value]) => [name, isSecretSource(value) ? showSecret(value) : value]);
  return {...binding, ...Object.fromEntries(fields)};
}

function isSecretSource(value: unknown): value is SecretSource {
  return typeof value === 'object' && value !== null && 'from' in value;
}

/** The source of a secret is shown, but not the arguments of a command, which may be secret themselves. */
function showSecret(source: SecretSource | AgentKeySource): string {
  switch (source.from) {
    case 'held':
      return '[redacted]';
    case 'file':
      return `[from the file ${printable(source.path, 200)}]`;
    case 'command':
      return `[from the program ${printable(source.argv[0] ?? '', 100)}]`;
    case 'keyring':
      return `[from the keyring, ${printable(source.name, 100)}]`;
    case 'ssh-agent':
      return `[in the ssh-agent at ${printable(source.socket, 200)}]`;
    case 'key-vault':
      return `[from the vault ${printable(source.vault, 100)}, ${printable(source.secret, 100)}]`;
  }
}

/** Lays names and values out with indents, for people. */
function layValue(value: unknown, indent = ''): string[] {
  if (Array.isArray(value)) return value.flatMap((item: unknown) => layItem(item, indent));
  if (typeof value !== 'object' || value === null) return [`${indent}${printable(String(value))}`];
  return Object.entries(value).flatMap(([name, item]: [string, unknown]) => layField(name, item, indent));
}

function layItem(item: unknown, indent: string): string[] {
  const [first = '', ...rest] = layValue(item, `${indent}  `);
  return [`${indent}- ${first.trimStart()}`, ...rest];
}

function layField(name: string, item: unknown, indent: string): string[] {
  if (item === undefined) return [];
  const isNested = typeof item === 'object' && item !== null && Object.keys(item).length > 0;
  if (!isNested) return [`${indent}${name}: ${describeLeaf(name, item)}`];
  if (Array.isArray(item) && item.every((one) => typeof one === 'string'))
    return [`${indent}${name}: ${printable(item.join(', '))}`];
  return [`${indent}${name}:`, ...layValue(item, `${indent}  `)];
}

function describeLeaf(name: string, value: unknown): string {
  return Array.isArray(value) ? (name === 'repositories' ? 'all' : 'none') : printable(String(value));
}
