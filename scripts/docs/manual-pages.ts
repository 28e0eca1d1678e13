import {
  ENVIRONMENT,
  commandEntries,
  exitCodes,
  keyOf,
  placeEntries,
  sharedOptions,
  type OptionEntry,
} from './command-reference.ts';
import {configurationSections, organizationsText} from './configuration-reference.ts';

/** Returns the text of each manual page by its file name. */
export function manualPages(version: string): Readonly<Record<string, string>> {
  return {
    'orgkey.1': commandPage(version),
    'git-credential-orgkey.1': helperPage(version),
    'orgkey-token.1': toolsPage(version),
    'orgkey-config.5': configurationPage(version),
  };
}

function commandPage(version: string): string {
  const entries = commandEntries();
  const shared = sharedOptions(entries);
  const commands = entries.flatMap((entry) => [
    subsection(`orgkey ${entry.usage}`),
    sentence(entry.summary),
    ...entry.options.filter((option) => !shared.has(keyOf(option))).map(optionItem),
    ...sharedLine(entry.options.filter((option) => shared.has(keyOf(option)))),
    ...entry.examples.flatMap(({command}) => ['.PP', `Example: ${bold(command)}`]),
  ]);
  return lines([
    title('ORGKEY', 1, version),
    section('NAME'),
    String.raw`orgkey \- one key per organization: git credentials for Azure DevOps`,
    section('SYNOPSIS'),
    '.B orgkey',
    String.raw`\fICOMMAND\fR [\fIOPTION\fR...]`,
    section('DESCRIPTION'),
    ...paragraph(
      'orgkey is a local daemon that answers the credential requests of git for Azure DevOps. It knows which organization a repository belongs to and which configured identity may act there.',
    ),
    ...paragraph(
      '`orgkey setup` writes a configuration, starts the service, configures git and tests each organization. `orgkey doctor` finds out what is wrong and says what repairs it.',
    ),
    section('COMMANDS'),
    ...commands,
    section('SHARED OPTIONS'),
    ...[...shared.values()].map(({option}) => optionItem(option)),
    section('OPTIONS OF EVERY COMMAND'),
    ...placeEntries().map(optionItem),
    section('EXIT STATUS'),
    ...exitCodes().map(([code, meaning]) => item(bold(String(code)), meaning)),
    section('ENVIRONMENT'),
    ...ENVIRONMENT.map(([variable, meaning]) => item(bold(variable), meaning)),
    section('FILES'),
    ...FILES.map(([path, meaning]) => item(italic(path), meaning)),
    section('SEE ALSO'),
    '.BR git\\-credential\\-orgkey (1),',
    '.BR orgkey\\-config (5),',
    '.BR gitcredentials (7)',
  ]);
}

function helperPage(version: string): string {
  return lines([
    title('GIT-CREDENTIAL-ORGKEY', 1, version),
    section('NAME'),
    String.raw`git\-credential\-orgkey, orgkey\-ssh \- the programs of orgkey that git runs`,
    section('SYNOPSIS'),
    '.B git\\-credential\\-orgkey',
    String.raw`\fBget\fR | \fBstore\fR | \fBerase\fR`,
    '.br',
    '.B orgkey\\-ssh',
    String.raw`[\fIOPTION\fR...] \fIHOST COMMAND\fR`,
    section('DESCRIPTION'),
    ...paragraph(
      '`git-credential-orgkey` is a credential helper. It hands the request that git writes to its standard input to the orgkey daemon, by the client of `git credential-cache`, and prints the answer. If no daemon answers, it starts the service once. It ignores operations that it does not know.',
    ),
    ...paragraph(
      '`orgkey-ssh` is what git runs as ssh inside submodules. It asks the daemon for a grant to read one repository. If no key is configured for the repository, it runs your own `core.sshCommand`, `GIT_SSH` or `ssh`.',
    ),
    ...paragraph('`orgkey setup` configures git to run both. Neither is meant to be run by hand.'),
    section('ENVIRONMENT'),
    ...ENVIRONMENT.filter(([variable]) => /RUNTIME_DIR|NO_START/.test(variable)).map(([variable, meaning]) =>
      item(bold(variable), meaning),
    ),
    section('SEE ALSO'),
    '.BR orgkey (1),',
    '.BR orgkey\\-config (5),',
    '.BR git\\-credential (1),',
    '.BR gitcredentials (7)',
  ]);
}

/** What tools run, by name: how it is called, and for what. */
const TOOL_PROGRAMS: readonly (readonly [program: string, synopsis: string, meaning: string])[] = [
  [
    'orgkey-token',
    '[ORGANIZATION | ADDRESS]',
    'prints the value of an Authorization header, for `tokenHelper` of pnpm. Without an argument, its name says which: a link `orgkey-token-contoso`.',
  ],
  ['cargo-credential-orgkey', '--cargo-plugin', 'is a credential provider of Cargo.'],
  ['orgkey-bazel-helper', 'get', 'is a credential helper of Bazel.'],
  ['orgkey-goauth', '[ADDRESS]', 'is a command for `GOAUTH` of Go.'],
];

function toolsPage(version: string): string {
  const names = TOOL_PROGRAMS.map(([program]) => program.replaceAll('-', String.raw`\-`));
  return lines([
    title('ORGKEY-TOKEN', 1, version),
    section('NAME'),
    String.raw`${names.join(', ')} \- the programs of orgkey that other tools run`,
    section('SYNOPSIS'),
    ...TOOL_PROGRAMS.flatMap(([program, synopsis]) => [`${bold(program)} ${inline(synopsis)}`, '.br']),
    section('DESCRIPTION'),
    ...TOOL_PROGRAMS.flatMap(([program, , meaning]) => paragraph(`\`${program}\` ${meaning}`)),
    ...paragraph(
      'Each asks the daemon for the feed that the tool named. For another host it says that it has nothing, and starts no daemon. If the organization is configured and its token cannot be had, it says why.',
    ),
    section('SEE ALSO'),
    '.BR orgkey (1),',
    '.BR git\\-credential\\-orgkey (1)',
  ]);
}

function configurationPage(version: string): string {
  return lines([
    title('ORGKEY-CONFIG', 5, version),
    section('NAME'),
    String.raw`orgkey\-config \- the configuration of orgkey`,
    section('DESCRIPTION'),
    ...paragraph(
      'The file is YAML in the shape of Backstage’s app-config.yaml. `orgkey config path` prints where it is, `orgkey config check` every problem in it, and `orgkey config edit` opens it in an editor and keeps a change only if it is valid.',
    ),
    ...paragraph(
      'A secret is written as it is, or fetched: {`$env`: NAME}, {`$file`: PATH}, {`$command`: [PROGRAM, ARGUMENT]}, {`$credential`: NAME}, {`$keyring`: NAME}, {`$keyVault`: {vault: NAME, secret: NAME}}. `${NAME}` within text is the value of a variable.',
    ),
    ...configurationSections().flatMap(({heading, rows}) => [
      section(heading.replaceAll('`', '')),
      ...rows.map(({key, type, default: fallback, required, description}) => {
        const facts = [
          type,
          required ? 'required' : '',
          fallback === undefined ? '' : `default \`${fallback}\``,
        ];
        return item(`${bold(key)} (${inline(facts.filter((fact) => fact !== '').join(', '))})`, description);
      }),
    ]),
    section('EVERY CREDENTIAL'),
    item(bold('organizations'), organizationsText()),
    section('FILES'),
    ...FILES.map(([path, meaning]) => item(italic(path), meaning)),
    section('SEE ALSO'),
    '.BR orgkey (1),',
    '.BR git\\-credential\\-orgkey (1)',
  ]);
}

const FILES: readonly (readonly [path: string, meaning: string])[] = [
  ['~/.config/orgkey/config.yaml', 'Your configuration.'],
  ['/etc/orgkey/config.yaml', 'The configuration of the machine.'],
  ['~/.config/orgkey/env', 'Variables of your service under systemd.'],
  ['/etc/orgkey/env', 'Variables of the service of the machine.'],
  ['~/.local/state/orgkey', 'Your state directory: audit trail, sign-ins, logs.'],
  ['/var/lib/orgkey', 'The state directory of the service of the machine.'],
];

function sharedLine(options: readonly OptionEntry[]): string[] {
  if (options.length === 0) return [];
  return ['.PP', `Shared options: ${options.map(({name}) => bold(`--${name}`)).join(', ')}.`];
}

function optionItem({syntax, describe}: OptionEntry): string {
  return item(bold(syntax), describe);
}

function title(name: string, number: number, version: string): string {
  return `.TH ${literal(name)} ${number} "" "orgkey ${version}"`;
}

function section(name: string): string {
  return `.SH "${literal(name.toUpperCase())}"`;
}

function subsection(name: string): string {
  return `.SS "${literal(name)}"`;
}

function item(term: string, text: string): string {
  return `.TP\n${term}\n${inline(text)}`;
}

function paragraph(text: string): string[] {
  return ['.PP', inline(text)];
}

function sentence(text: string): string {
  return inline(`${text.charAt(0).toUpperCase()}${text.slice(1)}.`);
}

function bold(text: string): string {
  return String.raw`\fB${literal(text)}\fR`;
}

function italic(text: string): string {
  return String.raw`\fI${literal(text)}\fR`;
}

/** Returns text in which `code` is bold. */
function inline(text: string): string {
  const parts = text.split('`').map((part, index) => (index % 2 === 1 ? bold(part) : literal(part)));
  return parts.join('').replace(/^(?=[.'])/, String.raw`\&`);
}

/** Escapes what roff would interpret. */
function literal(text: string): string {
  return text
    .replaceAll('\\', String.raw`\e`)
    .replaceAll('-', String.raw`\-`)
    .replaceAll('"', String.raw`\(dq`)
    .replaceAll("'", String.raw`\(aq`)
    .replaceAll('\n', ' ');
}

function lines(all: readonly string[]): string {
  return `${all.join('\n')}\n`;
}
