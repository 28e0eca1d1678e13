import {mkdir, writeFile} from 'node:fs/promises';
import {join} from 'node:path';
import {organizationFrom} from '../../organization/organization.ts';
import {printable} from '../../text/printable.ts';
import {CommandError} from '../command-error.ts';
import type {Context} from '../context.ts';
import {EXIT} from '../exit-code.ts';
import {absolute, configurationDirectory} from '../locate.ts';
import type {StarterOptions} from './starter-configuration.ts';

/** Asks the user for the first credential. @throws {CommandError} if an answer is invalid or missing. */
export async function askForConfiguration(
  context: Context,
  {forMachine}: {readonly forMachine: boolean},
): Promise<StarterOptions> {
  const {terminal} = context;
  terminal.say('No configuration exists yet. Answer a few questions to create one; Ctrl-C changes nothing.');
  const organization = await askForOrganization(context);
  terminal.say(WAYS.map(({label}, at) => `  ${at + 1}  ${label}`).join('\n'));
  const place = forMachine
    ? MACHINE
    : {directory: join(configurationDirectory(context), 'secrets'), mode: 0o700};
  const answer = await terminal.ask('How do you sign in', '1');
  const way = WAYS[Number(answer) - 1];
  if (way === undefined)
    throw new CommandError(EXIT.usage, `invalid answer: ${printable(answer, 40)}`, {
      hint: `choose 1-${WAYS.length}`,
    });
  return {organization: [organization], ...(await way.ask(context, organization, place))};
}

/** The directory for secrets that the user types. */
interface Place {
  readonly directory: string;
  /** Permission bits. */
  readonly mode: number;
}

/** The service must enter the directory; the files in it belong to root. */
const MACHINE: Place = {directory: '/etc/orgkey/secrets', mode: 0o755};

async function askForOrganization({terminal}: Context): Promise<string> {
  const answer = await terminal.ask('Organization, as in https://dev.azure.com/ORGANIZATION');
  const name = /^(?:https:\/\/dev\.azure\.com\/)?([^/]+)\/?$/.exec(answer)?.[1] ?? '';
  if (organizationFrom(name) === undefined)
    throw new CommandError(EXIT.usage, `invalid organization name: ${printable(answer, 60)}`, {
      hint: 'use up to 50 letters, digits and hyphens',
    });
  return name;
}

const WAYS: readonly {
  readonly label: string;
  readonly ask: (context: Context, organization: string, place: Place) => Promise<StarterOptions>;
}[] = [
  {label: 'as myself, in the browser', ask: async () => ({'sign-in': 'browser'})},
  {
    label: 'as myself, with a code that I enter on another device',
    ask: async () => ({'sign-in': 'device-code'}),
  },
  {
    label: 'with the managed identity of this machine',
    ask: async ({terminal}) => ({
      'managed-identity': await terminal.ask('Client ID of the identity', 'system-assigned'),
    }),
  },
  {
    label: 'as an application, with a client secret',
    ask: async (context, organization, place) => ({
      ...(await askForApplication(context)),
      'client-secret-file': await askForSecret('Client secret', organization, context, place),
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
    ask: async (context, organization, place) => ({
      'pat-file': await askForSecret(
        `Token, created at https://dev.azure.com/${organization}/_usersSettings/tokens`,
        organization,
        context,
        place,
      ),
    }),
  },
  {label: 'with the account that is signed in to the Azure CLI', ask: async () => ({'azure-cli': true})},
];

async function askForApplication({terminal}: Context): Promise<StarterOptions> {
  return {'client-id': await terminal.ask('Client ID'), 'tenant-id': await terminal.ask('Tenant ID')};
}

/** Writes the typed secret to a file that only we can read, and that the configuration names. */
async function askForSecret(
  question: string,
  organization: string,
  context: Context,
  {directory, mode}: Place,
): Promise<string> {
  const secret = await context.terminal.askSecret(question);
  if (secret === undefined || secret.length === 0)
    throw new CommandError(EXIT.usage, 'no secret was entered');
  const path = join(directory, organization.toLowerCase());
  await mkdir(directory, {recursive: true, mode});
  try {
    await secret.use((bytes) => writeFile(path, bytes, {mode: 0o600, flag: 'wx'}));
  } finally {
    secret.erase();
  }
  context.terminal.say(`wrote ${printable(path)}`);
  return path;
}
