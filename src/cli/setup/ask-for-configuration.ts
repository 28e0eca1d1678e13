import {mkdir} from 'node:fs/promises';
import {join} from 'node:path';
import {SERVICES_HOST} from '../../organization/owner.ts';
import {isGuid} from '../../text/guid.ts';
import {printable} from '../../text/printable.ts';
import type {Context} from '../context.ts';
import {absolute, pasteDirectory} from '../locate.ts';
import {readOrganization, tokenPageOf, type NamedOrganization} from '../organizations/named-organization.ts';
import type {StarterOptions} from './starter-configuration.ts';
import {usageError} from '../command-error.ts';
import {writeNew} from '../../files/write-new.ts';

interface Asking {
  readonly forMachine: boolean;
}

/** Asks the user for the first credentials. @throws {CommandError} if a secret is missing. */
export async function askForConfiguration(
  context: Context,
  asking: Asking,
): Promise<readonly StarterOptions[]> {
  const {terminal} = context;
  terminal.say('No configuration exists yet. Answer a few questions to create one; Ctrl-C changes nothing.');
  const starters = [await askForCredential([], context, asking)];
  while (await askWhether('Another organization', context))
    starters.push(await askForCredential([], context, asking));
  return starters;
}

/** Asks how to sign in to these organizations, and for a name if the list is empty. */
export async function askForCredential(
  named: readonly NamedOrganization[],
  context: Context,
  {forMachine}: Asking,
): Promise<StarterOptions> {
  const {terminal} = context;
  const organizations = named.length === 0 ? [await askForOrganization(context)] : named;
  const [first] = organizations;
  if (first === undefined) throw usageError('no organization was named');
  const place = forMachine ? MACHINE : {directory: pasteDirectory(context), mode: 0o700};
  const ways = first.host === SERVICES_HOST ? WAYS : WAYS.filter(({onServers}) => onServers === true);
  terminal.say(ways.map(({label}, at) => `  ${at + 1}  ${label}`).join('\n'));
  const way = await askUntil(
    () => terminal.ask('How do you sign in', '1'),
    (answer) => ways[Number(answer) - 1],
    () => terminal.say(`  choose 1-${ways.length}`),
  );
  return {
    host: first.host,
    organization: organizations.map(({organization}) => organization),
    ...(await way.ask(context, first, place)),
  };
}

async function askWhether(question: string, {terminal}: Context): Promise<boolean> {
  return askUntil(
    () => terminal.ask(`${question}, y or n`, 'n'),
    (answer) => (/^(?:y|yes)$/i.test(answer) ? true : /^(?:n|no)$/i.test(answer) ? false : undefined),
    () => terminal.say('  answer y or n'),
  );
}

/** Asks again after a wrong answer. An input that has ended is an error, or it would be asked forever. */
async function askUntil<Value>(
  ask: () => Promise<string>,
  read: (answer: string) => Value | undefined,
  explain: (answer: string) => void,
): Promise<Value> {
  for (let tries = 0; tries < MOST_TRIES; tries += 1) {
    const answer = await ask();
    const value = read(answer);
    if (value !== undefined) return value;
    explain(answer);
  }
  throw usageError('no valid answer was given');
}

const MOST_TRIES = 10;

/** The directory for secrets that the user types. */
interface Place {
  readonly directory: string;
  /** Permission bits. */
  readonly mode: number;
}

/** The service must enter the directory; the files in it belong to root. */
const MACHINE: Place = {directory: '/etc/orgkey/secrets', mode: 0o755};

async function askForOrganization({terminal}: Context): Promise<NamedOrganization> {
  return askUntil(
    () => terminal.ask('Organization: its name, or any URL of it'),
    (answer) => {
      try {
        return readOrganization(answer);
      } catch {
        return undefined;
      }
    },
    () =>
      terminal.say('  use up to 50 letters, digits and hyphens, or a URL like https://dev.azure.com/contoso'),
  );
}

async function askForGuid(question: string, {terminal}: Context): Promise<string> {
  return askUntil(
    async () => (await terminal.ask(question)).trim(),
    (answer) => (isGuid(answer) ? answer : undefined),
    () => terminal.say('  it must be a GUID, as in 9f000000-0000-4000-8000-000000000000'),
  );
}

const WAYS: readonly {
  readonly label: string;
  /** Whether Azure DevOps Server has it, too. */
  readonly onServers?: true;
  readonly ask: (context: Context, named: NamedOrganization, place: Place) => Promise<StarterOptions>;
}[] = [
  {label: 'as myself, in the browser', ask: async () => ({'sign-in': 'browser'})},
  {
    label: 'as myself, with a code that I enter on another device',
    ask: async () => ({'sign-in': 'device-code'}),
  },
  {
    label: 'with the managed identity of this machine',
    ask: async ({terminal}) => ({
      'managed-identity': await askUntil(
        () => terminal.ask('Client ID of the identity', 'system-assigned'),
        (answer) => (answer === 'system-assigned' || isGuid(answer) ? answer : undefined),
        () => terminal.say('  it must be a GUID or system-assigned'),
      ),
    }),
  },
  {
    label: 'as an application, with a client secret',
    ask: async (context, named, place) => ({
      ...(await askForApplication(context)),
      'client-secret-file': await askForSecret('Client secret', named, context, place),
    }),
  },
  {
    label: 'as an application, with a certificate',
    ask: async (context) => ({
      ...(await askForApplication(context)),
      'client-certificate-file': absolute(
        await context.terminal.ask('PEM file with the certificate and its key'),
        context,
      ),
    }),
  },
  {
    label: 'with a personal access token',
    onServers: true,
    ask: async (context, named, place) => ({
      'pat-file': await askForSecret(`Token, created at ${tokenPageOf(named)}`, named, context, place),
    }),
  },
  {label: 'with the account that is signed in to the Azure CLI', ask: async () => ({'azure-cli': true})},
];

async function askForApplication(context: Context): Promise<StarterOptions> {
  return {
    'client-id': await askForGuid('Client ID', context),
    'tenant-id': await askForGuid('Tenant ID', context),
  };
}

/**
 * Writes the typed secret to a new file that only we can read, and that the configuration names. A file that exists is
 * left alone, because another credential may use it.
 */
async function askForSecret(
  question: string,
  {organization}: NamedOrganization,
  context: Context,
  {directory, mode}: Place,
): Promise<string> {
  const secret = await context.terminal.askSecret(question);
  if (secret === undefined || secret.length === 0) throw usageError('no secret was entered');
  const stem = organization.toLowerCase();
  await mkdir(directory, {recursive: true, mode});
  try {
    for (let number = 1; ; number += 1) {
      const path = join(directory, number === 1 ? stem : `${stem}-${number}`);
      const isNew = await secret.use((bytes) => writeNew(path, bytes));
      if (!isNew) continue;
      context.terminal.say(`wrote ${printable(path)}`);
      return path;
    }
  } finally {
    secret.erase();
  }
}
