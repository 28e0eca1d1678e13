import {describeIdentity, type Identity} from '../../identity/identity.ts';
import {SERVICES_HOST} from '../../organization/owner.ts';
import {printable} from '../../text/printable.ts';
import {
  askAzureDevOps,
  countIn,
  judge,
  tenantIn,
  tenantOfToken,
  userIn,
  type Credential,
} from '../azure-devops.ts';
import type {Asked} from '../ask-server.ts';
import {diagnosticsOf, type Diagnostic} from '../diagnostic.ts';
import type {Target} from '../target.ts';
import type {World} from '../world.ts';

type Asking = Pick<World, 'environment' | 'version' | 'daemon' | 'now'>;

/**
 * Checks one organization from end to end: the token, the tenants of organization and identity, the sign-in, the
 * membership, and the repository if one was named.
 */
export async function checkOrganization(target: Target, world: Asking): Promise<readonly Diagnostic[]> {
  const {identity, place} = target;
  const {ok, skipped, failed} = diagnosticsOf(target.name);
  if (identity === undefined)
    return [failed('rule', 'no credential covers this organization', 'add one: orgkey config edit')];
  if (identity.kind === 'unusable') {
    const {message, code, hint} = identity.failure;
    return [failed('rule', `${printable(message)} (${code})`, printable(hint ?? 'orgkey config edit'))];
  }
  const rule = ok('rule', `${describeIdentity(identity)}, ${place ?? 'configured'}`);
  if (identity.kind === 'stored')
    return [rule, skipped('token', 'only git may use a password that was typed at its prompt')];
  if (world.daemon.kind === 'unreachable') return [rule, skipped('token', 'the daemon is not running')];

  const result = await world.daemon.token(target.name);
  if (result.kind === 'failed') {
    const repair = printable(result.hint ?? 'orgkey logs');
    return [
      rule,
      failed('token', `${printable(result.message)} (${printable(result.code, 40)})`, repair),
      ...(await checkTenant(target, undefined, world)),
    ];
  }
  const found = await findAddress(target, world);
  if (found.asked.kind === 'unreachable')
    return [
      rule,
      describeToken(target, result.expiresAt, world),
      failed('organization', found.asked.message, found.asked.repair),
    ];
  if (found.asked.answer.status === 404)
    return [
      rule,
      describeToken(target, result.expiresAt, world),
      failed(
        'organization',
        'no organization has that name',
        'correct the spelling in the configuration and in the URL',
      ),
    ];
  return [
    rule,
    describeToken(target, result.expiresAt, world),
    ...tenantDiagnostics(target, result, found.asked),
    ...(await checkMembership(target, found.address, result, world)),
    ...(await checkRepository(target, result, world)),
  ];
}

function describeToken({name, identity}: Target, expiresAt: string | undefined, {now}: Asking): Diagnostic {
  const {ok} = diagnosticsOf(name);
  const minutes = expiresAt === undefined ? undefined : Math.floor((Date.parse(expiresAt) - now()) / 60_000);
  const left =
    minutes === undefined
      ? ''
      : `, valid for ${minutes < 120 ? `${minutes} min` : `${Math.round(minutes / 60)} h`}`;
  return ok('token', `${identity?.kind === 'pat' ? 'a personal access token' : 'an access token'}${left}`);
}

/** Asks without a credential, for what the organization tells anyone. A server's collections may be below `tfs`. */
async function findAddress(
  {addresses, repository}: Target,
  world: Asking,
): Promise<{readonly address: string; readonly asked: Asked}> {
  const preferred = addresses.filter((address) => repository?.startsWith(`${address}/`) === true);
  const [first = '', ...others] = [...new Set([...preferred, ...addresses])];
  let found = {address: first, asked: await askAzureDevOps(connectionData(first), undefined, world)};
  for (const address of others) {
    if (found.asked.kind !== 'answered' || found.asked.answer.status !== 404) break;
    found = {address, asked: await askAzureDevOps(connectionData(address), undefined, world)};
  }
  return found;
}

function connectionData(address: string): string {
  return `${address}/_apis/connectionData`;
}

/** Checks the tenant after a failed token request: it may be the cause. */
async function checkTenant(
  target: Target,
  credential: Credential | undefined,
  world: Asking,
): Promise<readonly Diagnostic[]> {
  const {asked} = await findAddress(target, world);
  return asked.kind === 'unreachable' ? [] : tenantDiagnostics(target, credential, asked);
}

function tenantDiagnostics(
  {name, host, identity}: Target,
  credential: Credential | undefined,
  asked: Asked,
): Diagnostic[] {
  const {ok, skipped, failed} = diagnosticsOf(name);
  if (
    host !== SERVICES_HOST ||
    identity === undefined ||
    identity.kind === 'pat' ||
    asked.kind === 'unreachable'
  )
    return [];
  const theirs = tenantIn(asked.answer);
  const ours =
    (credential && tenantOfToken(credential)) ?? ('tenantId' in identity ? identity.tenantId : undefined);
  if (theirs === undefined)
    return [skipped('tenant', 'the organization does not say which tenant it is connected to')];
  if (theirs === NO_TENANT)
    return [
      failed(
        'tenant',
        'the organization uses Microsoft accounts, so an Entra identity cannot be a member',
        `connect it to a tenant: https://dev.azure.com/${printable(name, 60)}/_settings/organizationAad`,
      ),
    ];
  if (ours === undefined) return [skipped('tenant', `the organization is connected to ${theirs}`)];
  return ours.toLowerCase() === theirs
    ? [ok('tenant', `${theirs}, same as the organization`)]
    : [
        failed(
          'tenant',
          `the organization is connected to ${theirs}, but the identity belongs to ${printable(ours, 60)}`,
          repairTenant(identity, theirs),
        ),
      ];
}

function repairTenant(identity: Identity, tenant: string): string {
  switch (identity.kind) {
    case 'managed-identity':
      return `a managed identity works in its own tenant only: use it as the credential of an app in the other (managedIdentityClientId, tenantId: ${tenant})`;
    case 'azure-cli':
      return `az login --tenant ${tenant}\nand set tenantId: ${tenant} in the configuration`;
    case 'sign-in':
      return `sign in to that tenant: tenantId: ${tenant} in the configuration, then orgkey login`;
    default:
      return `set tenantId: ${tenant}; the app must be multitenant, and a member of the organization`;
  }
}

/** The tenant that organizations with Microsoft accounts report. */
const NO_TENANT = '00000000-0000-0000-0000-000000000000';

/** Checks which user we are in the organization, and whether it shows us any repository. */
async function checkMembership(
  target: Target,
  address: string,
  credential: Credential,
  world: Asking,
): Promise<readonly Diagnostic[]> {
  const {ok, warning, failed} = diagnosticsOf(target.name);
  const asked = await askAzureDevOps(connectionData(address), credential, world);
  if (asked.kind === 'unreachable') return [failed('sign-in', asked.message, asked.repair)];
  const verdict = judge(asked.answer);
  if (verdict.kind !== 'ok')
    return [failed('sign-in', verdict.message, verdict.repair ?? repairMembership(target))];
  const user = userIn(verdict.answer);
  if (user === undefined) return [failed('sign-in', 'it treats us as anonymous', repairMembership(target))];
  const signedIn = ok('sign-in', `as ${printable(user, 80)}`);

  const listed = await askAzureDevOps(`${address}/_apis/git/repositories?api-version=6.0`, credential, world);
  if (listed.kind === 'unreachable') return [signedIn, warning('membership', listed.message, listed.repair)];
  const list = judge(listed.answer);
  if (list.kind !== 'ok')
    return [signedIn, warning('membership', list.message, list.repair ?? repairMembership(target))];
  const count = countIn(list.answer);
  if (count === 0)
    return [
      signedIn,
      warning(
        'membership',
        'the identity is not a member of any project, or sees no repository',
        'add it to a project (Contributors or Readers) with access level Basic',
      ),
    ];
  return [
    signedIn,
    ok(
      'membership',
      `the identity sees ${count === undefined ? 'many' : count} ${count === 1 ? 'repository' : 'repositories'}`,
    ),
  ];
}

function repairMembership({host, organization, identity}: Target): string {
  const name = encodeURIComponent(organization);
  const base = host === SERVICES_HOST ? `https://${SERVICES_HOST}/${name}` : `https://${host}`;
  return identity?.kind === 'pat'
    ? `create a new token: ${base}/_usersSettings/tokens`
    : `add the identity with access level Basic or higher: ${base}/_settings/users`;
}

/** Sends git's first request. Git does not pass 403 and 404 to a helper, so only doctor can explain them. */
async function checkRepository(
  target: Target,
  credential: Credential,
  world: Asking,
): Promise<readonly Diagnostic[]> {
  const {repository, name} = target;
  if (repository === undefined) return [];
  const {ok, failed} = diagnosticsOf(name);
  const url = `${repository.replace(/\/+$/, '')}/info/refs?service=git-upload-pack`;
  const asked = await askAzureDevOps(url, credential, world);
  if (asked.kind === 'unreachable') return [failed('repository', asked.message, asked.repair)];
  const {answer} = asked;
  const isGit =
    answer.headers['content-type']?.startsWith('application/x-git-upload-pack-advertisement') === true;
  const verdict = judge(answer);
  if (verdict.kind === 'ok' && isGit) return [ok('repository', 'can be read')];
  if (verdict.kind === 'ok')
    return [failed('repository', 'the server answers, but not with a git repository', SPELLING)];
  if (verdict.kind === 'signed-out')
    return [failed('repository', verdict.message, verdict.repair ?? repairMembership(target))];
  const {status, message, repair} = verdict;
  const fallback =
    status === 404
      ? `${SPELLING}; give the identity Read on the repository`
      : status === 403
        ? 'give the identity Read on the repository, and access level Basic or higher'
        : 'try again; for outages see https://status.dev.azure.com';
  return [failed('repository', `${message} (HTTP ${status})`, repair ?? fallback)];
}

const SPELLING = 'correct the spelling of project and repository in the URL';
