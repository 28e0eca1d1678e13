import type {Binding} from '../identity/bindings.ts';
import {AZURE_CLI_CLIENT_ID} from '../identity/identity.ts';
import {SERVICES_HOST} from '../organization/owner.ts';
import type {Problem} from './text/problems.ts';

/**
 * Returns warnings of credentials that are valid, but cannot work or soon will not. `takesBearer`: whether git is 2.46 or
 * later; `undefined`: not known.
 */
export function adviceOn(
  bindings: readonly Binding[],
  {takesBearer}: {readonly takesBearer: boolean | undefined},
): Problem[] {
  const ofTokens = bindings.filter(({identity}) => identity.kind === 'pat');
  const shared = ofTokens.filter(
    ({host, organizations}) => host === SERVICES_HOST && organizations.length !== 1,
  );
  const servers =
    takesBearer === false ? bindings.filter(({host}) => host !== SERVICES_HOST && host !== '*') : [];
  const borrowed = bindings.filter(
    ({identity}) => identity.kind === 'sign-in' && identity.clientId === AZURE_CLI_CLIENT_ID,
  );
  return [
    ...borrowed.map(({place}) => ({place, ...BORROWED_CLIENT})),
    ...shared.map(({place}) => ({place, ...GLOBAL_TOKEN})),
    ...servers.map(({place}) => ({place, ...OLD_GIT})),
  ];
}

const BORROWED_CLIENT = {
  message:
    "users sign in with Microsoft's client id of the Azure CLI: a tenant that restricts the Azure CLI blocks them, and sign-in logs name it",
  hint: 'register a public client of your own and set its clientId: docs/recipes/people.md',
};

/** Fact 76. @see https://devblogs.microsoft.com/devops/ */
const GLOBAL_TOKEN = {
  message:
    'only a global personal access token works for several organizations: none can be created since March 2026, and the existing ones end in December 2026',
  hint: 'write one credential with its own token for each organization, or use an Entra identity',
};

const OLD_GIT = {
  message:
    'git older than 2.46 prefers NTLM or Negotiate to the credential of orgkey if the server offers them',
  hint: 'install git 2.46 or later, or set http.<url>.extraHeader to "Authorization: Basic …" by hand',
};
