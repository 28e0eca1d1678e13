import {copyFileSync, writeFileSync} from 'node:fs';
import type {SeededFault} from '../../helpers/provoke-fault.ts';
import type {SickWorld} from '../../helpers/sick-world.ts';

const fabrikam = {
  words: ['fabrikam'],
  remote: 'https://dev.azure.com/fabrikam/shared/_git/library',
} as const;

/** Puts another personal access token into the file of fabrikam. */
function token(name: string): SeededFault['seed'] {
  return ({person}) => copyFileSync(person.path(name), person.path('fabrikam.pat'));
}

/** Does what `orgkey login --paste` does. */
async function pasteToken(world: SickWorld): Promise<void> {
  writeFileSync(world.person.path('fabrikam.pat'), world.pat);
  await forget(world);
}

/** Entra refuses contoso's identity with this code, until an administrator changes that. */
function refusal(aadsts: number, error = 'invalid_client'): Pick<SeededFault, 'seed' | 'mend' | 'cause'> {
  return {
    async seed(world) {
      await forget(world);
      const active = world.cloud.fault({endpoint: 'token', aadsts, error, status: 401, times: 'always'});
      return {undo: () => active.clear()};
    },
    cause: new RegExp(`\\(AADSTS${aadsts}\\)$`),
    async mend(world, {undo}) {
      await undo?.();
      await forget(world);
    },
  };
}

async function forget(world: SickWorld): Promise<void> {
  await world.expect(world.person.run('cache clear'), 'cache clear');
}

/** What is wrong with an organization, or with the credential for it. */
export const organizationFaults: readonly SeededFault[] = [
  {
    title: 'the identity is not a member of the organization',
    words: ['club'],
    remote: 'https://dev.azure.com/club/x/_git/y',
    seed: () => undefined,
    cause: /\(TF401444\)/,
    async mend(world) {
      world.join();
      await forget(world);
    },
  },
  {
    title: 'the organization does not exist',
    words: ['missing'],
    remote: 'https://dev.azure.com/missing/x/_git/y',
    seed: () => undefined,
    cause: /^no organization has that name$/,
    staysBroken: true,
  },
  {
    title: 'the organization is connected to another tenant',
    words: ['stranger'],
    remote: 'https://dev.azure.com/stranger/x/_git/y',
    seed: () => undefined,
    cause: /^the organization is connected to .*, but the identity belongs to/,
    staysBroken: true,
  },
  {
    title: 'no rule covers the organization',
    words: ['northwind'],
    remote: 'https://dev.azure.com/northwind/x/_git/y',
    seed: () => undefined,
    cause: /^no credential covers this organization/,
    staysBroken: true,
  },
  {
    title: 'the repository does not exist',
    words: ['https://dev.azure.com/contoso/web/_git/sight'],
    remote: 'https://dev.azure.com/contoso/web/_git/sight',
    seed: () => undefined,
    cause: /\(TF401019\) \(HTTP 404\)/,
    staysBroken: true,
  },
  {
    title: 'the project does not exist',
    words: ['https://dev.azure.com/contoso/wab/_git/site'],
    remote: 'https://dev.azure.com/contoso/wab/_git/site',
    seed: () => undefined,
    cause: /TF200016.* \(HTTP 404\)/,
    staysBroken: true,
  },
  {
    title: 'the personal access token has expired',
    ...fabrikam,
    seed: token('expired.pat'),
    cause: /^the personal access token has expired$/,
    mend: pasteToken,
  },
  {
    title: 'the personal access token is not for code',
    words: [fabrikam.remote],
    remote: fabrikam.remote,
    seed: token('narrow.pat'),
    cause: /\(TF400813\)/,
    mend: pasteToken,
  },
  {
    title: 'the personal access token is not one of this organization',
    ...fabrikam,
    seed: (world) => writeFileSync(world.person.path('fabrikam.pat'), 'x'.repeat(52)),
    cause: /^the personal access token is wrong, revoked or expired/,
    mend: pasteToken,
  },
  {
    title: 'the personal access token was revoked while it is used',
    ...fabrikam,
    async seed(world) {
      const organization = world.cloud.azureDevOps.organization('fabrikam');
      const other = organization?.addPat();
      writeFileSync(world.person.path('fabrikam.pat'), other?.value ?? '');
      await world.expect(world.git(fabrikam.remote, {}), 'git');
      if (other !== undefined) world.cloud.revoke(other);
    },
    cause: /^the personal access token/,
    mend: pasteToken,
  },
  {
    title: 'the client secret is wrong',
    seed: (world) => writeFileSync(world.person.path('contoso.secret'), 'wrong-wrong-wrong'),
    cause: /\(AADSTS7000215\)$/,
    async mend(world) {
      writeFileSync(world.person.path('contoso.secret'), world.secret);
      await forget(world);
    },
  },
  {title: 'the client secret has expired', ...refusal(7000222)},
  {title: 'the application is unknown in the tenant', ...refusal(700016, 'unauthorized_client')},
  {title: 'an administrator disabled the application', ...refusal(7000112, 'unauthorized_client')},
  {title: 'the tenant does not exist', ...refusal(90002, 'invalid_request')},
  {title: 'Conditional Access blocks the application', ...refusal(53003, 'access_denied')},
  {title: 'a policy of the tenant wants another sign-in', ...refusal(50076, 'interaction_required')},
  {
    title: 'the organization rejects what it accepted before',
    async seed(world) {
      const active = world.cloud.fault({endpoint: 'azure-devops', status: 401, times: 'always'});
      return {undo: () => active.clear()};
    },
    cause: /anonymous|HTTP 401/,
    async mend(world, {undo}) {
      await undo?.();
      await forget(world);
    },
  },
];
