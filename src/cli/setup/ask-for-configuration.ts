import {mkdir, writeFile} from 'node:fs/promises';
import {join} from 'node:path';
import {organizationFrom} from '../../organization/organization.ts';
import {printable} from '../../text/printable.ts';
import {CommandError} from '../command-error.ts';
import type {Context} from '../context.ts';
import {EXIT} from '../exit-code.ts';
import {absolute, configurationDirectory} from '../locate.ts';
import type {StarterOptions} from './starter-configuration.ts';

/** Asks a person for the first credential. @throws {CommandError} where it is broken off. */
export async function askForConfiguration(
  context: Context,
  {forMachine}: {readonly forMachine: boolean},
): Promise<StarterOptions> {
  const {terminal} = context;
  terminal.say('There is no configuration yet. A few questions make one; Ctrl-C ends without a trace.');
  const organization = await askForOrganization(context);
  terminal.say(WAYS.map(({label}, at) => `  ${at + 1}  ${label}`).join('\n'));
  const place = forMachine
    ? MACHINE
    : {directory: join(configurationDirectory(context), 'secrets'), mode: 0o700};
  const answer = await terminal.ask('How does it sign in', '1');
  const way = WAYS[Number(answer) - 1];
  if (way === undefined) throw new CommandError(EXIT.usage, 'that is none of the ways');
  return {organization: [organization], ...(await way.ask(context, organization, place))};
}

/** Where secrets go that are typed. */
interface Place {
  readonly directory: string;
  /** Permission bits. */
  readonly mode: number;
}

/** The files in it are root's, and the service enters. */
const MACHINE: Place = {directory: '/etc/orgkey/secrets', mode: 0o755};

async function askForOrganization({terminal}: Context): Promise<string> {
  const answer = await terminal.ask('Organization, as in https://dev.azure.com/ORGANIZATION');
  const name = /^(?:https:\/\/dev\.azure\.com\/)?([^/]+)\/?$/.exec(answer)?.[1] ?? '';
  if (organizationFrom(name) === undefined)
    throw new CommandError(EXIT.usage, 'that is not the name of an organization', {
      hint: 'letters, digits and hyphens, at most 50',
    });
  return name;
}

const WAYS: readonly {
  readonly label: string;
  readonly ask: (context: Context, organization: string, place: Place) => Promise<StarterOptions>;
}[] = [
  {label: 'as me, in the browser', ask: async () => ({'sign-in': 'browser'})},
  {label: 'as me, with a code that I type on another device', ask: async () => ({'sign-in': 'device-code'})},
  {
    label: 'with the managed identity of this machine',
    ask: async ({terminal}) => ({
      'managed-identity': await terminal.ask('Client id of the identity', 'system-assigned'),
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
        `Token, made at https://dev.azure.com/${organization}/_usersSettings/tokens`,
        organization,
        context,
        place,
      ),
    }),
  },
  {label: 'as whoever is signed in to the Azure CLI', ask: async () => ({'azure-cli': true})},
];

async function askForApplication({terminal}: Context): Promise<StarterOptions> {
  return {'client-id': await terminal.ask('Client id'), 'tenant-id': await terminal.ask('Tenant id')};
}

/** What is typed goes into a file that only we can read; the configuration names it. */
async function askForSecret(
  question: string,
  organization: string,
  context: Context,
  {directory, mode}: Place,
): Promise<string> {
  const secret = await context.terminal.askSecret(question);
  if (secret === undefined || secret.length === 0) throw new CommandError(EXIT.usage, 'nothing was entered');
  const path = join(directory, organization.toLowerCase());
  await mkdir(directory, {recursive: true, mode});
  const bytes = new Uint8Array(secret.length);
  secret.copyTo(bytes, 0);
  try {
    await writeFile(path, bytes, {mode: 0o600, flag: 'wx'});
  } finally {
    bytes.fill(0);
    secret.erase();
  }
  context.terminal.say(`wrote ${printable(path)}`);
  return path;
}
