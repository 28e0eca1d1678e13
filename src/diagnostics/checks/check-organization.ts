import type {Configuration} from '../../config/configuration.ts';
import {describeIdentity, type Identity} from '../../identity/identity.ts';
import {repairTenant} from '../../identity/repair-tenant.ts';
import {NO_TENANT} from '../../organization/connected-tenant.ts';
import {SERVICES_HOST} from '../../organization/owner.ts';
import {isGuid} from '../../text/guid.ts';
import {printable} from '../../text/printable.ts';
import {shellWord} from '../../text/quote-for-shell.ts';
import type {TokenResult} from '../../control/control-protocol.ts';
import {
  askAzureDevOps,
  askForHeaders,
  countIn,
  firstRepositoryIn,
  judge,
  tenantIn,
  tenantOfToken,
  userIn,
  type Credential,
} from '../azure-devops.ts';
import type {Asked} from '../ask-server.ts';
import {diagnosticsOf, type Diagnostic} from '../diagnostic.ts';
import {nearestName} from '../nearest-name.ts';
import {repairAccess} from '../repair-access.ts';
import type {Target} from '../target.ts';
import type {World} from '../world.ts';

type Asking = Pick<World, 'environment' | 'version' | 'daemon' | 'now'> & {
  readonly loaded: Pick<World['loaded'], 'kind'> & {
    readonly configuration?: Pick<Configuration, 'bindings'>;
  };
  /** Hosts that the network check did not reach. */
  readonly unreachable: ReadonlySet<string>;
};

/** What the checks of one organization found, and a repository of it that git can be tried on. */
interface OrganizationFindings {
  readonly diagnostics: readonly Diagnostic[];
  readonly repository: string | undefined;
}

/**
 * Checks one organization from end to end: the token, the tenants of organization and identity, the sign-in, the
 * membership, and the repository if one was named. What depends on a failed step is not checked.
 */
export async function checkOrganization(target: Target, world: Asking): Promise<OrganizationFindings> {
  const {skipped} = diagnosticsOf(target.name);
  const rule = checkRule(target, world);
  const only = (...diagnostics: readonly Diagnostic[]): OrganizationFindings => ({
    diagnostics: [rule, ...diagnostics],
    repository: undefined,
  });
  if (rule.outcome === 'failed') return only();
  if (target.identity?.kind === 'stored')
    return only(skipped('token', 'only git may use a password that was typed at its prompt'));
  if (world.daemon.kind === 'unreachable')
    return only(skipped('token', 'not checked: the daemon is not running'));

  const result = await world.daemon.token(target.name);
  if (result.kind === 'failed') return only(...(await explainNoToken(target, result, world)));
  const token = describeToken(target, result, world);
  if (world.unreachable.has(target.host))
    return only(token, skipped('organization', `not checked: ${target.host} cannot be reached`));
  const found = await findAddress(target, world);
  const problem = problemOf(target, found.asked);
  if (problem !== undefined || found.asked.kind === 'unreachable')
    return only(token, ...(problem === undefined ? [] : [problem]));
  const tenant = await tenantDiagnostics(target, result, {...found, world});
  const membership = await checkMembership(target, found.address, result, world);
  const isSignedIn = membership.diagnostics.every(({outcome}) => outcome !== 'failed');
  return {
    diagnostics: [
      rule,
      token,
      ...tenant,
      ...membership.diagnostics,
      ...(isSignedIn ? await checkRepository(target, result, world) : notRead(target)),
    ],
    repository: membership.repository,
  };
}

function notRead({name, repository}: Target): Diagnostic[] {
  const {skipped} = diagnosticsOf(name);
  return repository === undefined ? [] : [skipped('repository', 'not checked: the sign-in failed')];
}

function checkRule({name, identity, place}: Target, {loaded}: Asking): Diagnostic {
  const {ok, skipped, failed} = diagnosticsOf(name);
  if (identity?.kind === 'unusable') {
    const {message, code, hint} = identity.failure;
    return failed('rule', `${printable(message)} (${code})`, printable(hint ?? 'orgkey config edit'));
  }
  if (identity !== undefined) return ok('rule', `${describeIdentity(identity)}, ${place ?? 'configured'}`);
  if (loaded.kind === 'invalid') return skipped('rule', 'not checked: the configuration is invalid');
  const near = nearestName(name, loaded.configuration?.bindings ?? []);
  const question = near === undefined ? '' : `; did you mean ${printable(near, 80)}?`;
  return failed(
    'rule',
    `no credential covers this organization${question}`,
    `add one: orgkey org add ${shellWord(name)}`,
  );
}

/** A daemon that rejects the configuration knows nothing of what stands there: that is the cause, not the effect. */
async function explainNoToken(
  target: Target,
  result: Extract<TokenResult, {kind: 'failed'}>,
  world: Asking,
): Promise<readonly Diagnostic[]> {
  const {skipped, failed} = diagnosticsOf(target.name);
  const {daemon, loaded} = world;
  const isRejected = daemon.kind === 'running' && daemon.status.configuration.problems.length > 0;
  if (result.code === 'ERR_NOT_CONFIGURED' && (isRejected || loaded.kind === 'invalid'))
    return [skipped('token', 'not checked: the daemon does not use this configuration')];
  const token = failed(
    'token',
    `${printable(result.message)} (${printable(result.code, 40)})`,
    printable(result.hint ?? 'orgkey logs'),
  );
  const tenant = world.unreachable.has(target.host) ? [] : await checkTenant(target, world);
  const policies =
    target.identity?.kind === 'sign-in' ? [skipped('policies', POLICIES[target.identity.method])] : [];
  return [token, ...policies, ...tenant, skipped('sign-in', 'not checked: the token is missing')];
}

/** Only administrators see the policies of a tenant. */
const POLICIES = {
  browser:
    'not checked: the tenant may block apps without the consent of an administrator, and machines that it does not manage; its administrators see which under Sign-in logs',
  'device-code':
    'not checked: the tenant may block the device code flow, which many do (then use signIn: browser), and apps without the consent of an administrator; its administrators see which under Sign-in logs',
} as const;

/** Returns what the organization's first answer, to anyone, says against it. */
function problemOf(target: Target, asked: Asked): Diagnostic | undefined {
  const {failed} = diagnosticsOf(target.name);
  if (asked.kind === 'unreachable') return failed('organization', asked.message, asked.repair);
  if (asked.answer.status === 404)
    return failed(
      'organization',
      'no organization has that name',
      'correct the spelling in the configuration and in the URL',
    );
  const verdict = judge(asked.answer);
  return verdict.kind === 'busy' ? failed('organization', verdict.message, verdict.repair) : undefined;
}

function describeToken(
  {name}: Target,
  {form, expiresAt}: Extract<TokenResult, {kind: 'token'}>,
  {now}: Asking,
): Diagnostic {
  const {ok} = diagnosticsOf(name);
  const minutes = expiresAt === undefined ? undefined : Math.floor((Date.parse(expiresAt) - now()) / 60_000);
  const left =
    minutes === undefined
      ? ''
      : `, valid for ${minutes < 120 ? `${minutes} min` : `${Math.round(minutes / 60)} h`}`;
  return ok('token', `${form === 'pat' ? 'a personal access token' : 'an access token'}${left}`);
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
async function checkTenant(target: Target, world: Asking): Promise<readonly Diagnostic[]> {
  const found = await findAddress(target, world);
  return tenantDiagnostics(target, undefined, {...found, world});
}

interface Found {
  readonly address: string;
  readonly asked: Asked;
  readonly world: Asking;
}

async function tenantDiagnostics(
  {name, host, identity}: Target,
  credential: Credential | undefined,
  {address, asked, world}: Found,
): Promise<Diagnostic[]> {
  const {ok, skipped, failed} = diagnosticsOf(name);
  if (
    host !== SERVICES_HOST ||
    identity === undefined ||
    identity.kind === 'pat' ||
    asked.kind === 'unreachable'
  )
    return [];
  const theirs = tenantIn(asked.answer) ?? (await tenantByHead(address, world));
  const ours = (credential && tenantOfToken(credential)) ?? writtenTenant(identity);
  if (theirs === undefined)
    return [skipped('tenant', 'the organization does not say which tenant it is connected to')];
  if (theirs === NO_TENANT)
    return [
      failed(
        'tenant',
        'the organization uses Microsoft accounts: orgkey can use only personal access tokens there',
        `use a personal access token, or connect it to a tenant: https://dev.azure.com/${printable(name, 60)}/_settings/organizationAad`,
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

async function tenantByHead(address: string, world: Asking): Promise<string | undefined> {
  const asked = await askForHeaders(address, world);
  return asked.kind === 'answered' ? tenantIn(asked.answer) : undefined;
}

/** Returns the tenant of an identity, if it is written as a GUID: names and missing variables cannot be compared. */
function writtenTenant(identity: Identity): string | undefined {
  const written = 'tenantId' in identity ? identity.tenantId : undefined;
  return written !== undefined && isGuid(written) ? written : undefined;
}

/** Checks which user we are in the organization, and whether it shows us any repository. Fact 7. */
async function checkMembership(
  target: Target,
  address: string,
  credential: Credential,
  world: Asking,
): Promise<OrganizationFindings> {
  const {ok, failed} = diagnosticsOf(target.name);
  const asked = await askAzureDevOps(connectionData(address), credential, world);
  if (asked.kind === 'unreachable') return alone(failed('sign-in', asked.message, asked.repair));
  const verdict = judge(asked.answer, credential.form, target.identity?.kind);
  if (verdict.kind !== 'ok')
    return alone(failed('sign-in', verdict.message, verdict.repair ?? repairAccess(target, credential)));
  const user = userIn(verdict.answer);
  if (user === undefined)
    return alone(failed('sign-in', 'it treats us as anonymous', repairAccess(target, credential)));
  const signedIn = ok('sign-in', `as ${printable(user, 80)}`);
  const {diagnostic, repository} = await countRepositories(target, address, credential, world);
  return {diagnostics: [signedIn, diagnostic], repository};
}

function alone(diagnostic: Diagnostic): OrganizationFindings {
  return {diagnostics: [diagnostic], repository: undefined};
}

async function countRepositories(
  target: Target,
  address: string,
  credential: Credential,
  world: Asking,
): Promise<{readonly diagnostic: Diagnostic; readonly repository?: string | undefined}> {
  const {ok, warning} = diagnosticsOf(target.name);
  const listed = await askAzureDevOps(`${address}/_apis/git/repositories?api-version=6.0`, credential, world);
  if (listed.kind === 'unreachable')
    return {diagnostic: warning('membership', listed.message, listed.repair)};
  const list = judge(listed.answer, credential.form, target.identity?.kind);
  if (list.kind !== 'ok')
    return {
      diagnostic: warning('membership', list.message, list.repair ?? repairAccess(target, credential)),
    };
  const count = countIn(list.answer);
  if (count === 0)
    return {
      diagnostic: warning(
        'membership',
        'the identity is not a member of any project, or sees no repository',
        'add it to a project (Contributors or Readers) with access level Basic',
      ),
    };
  const first = firstRepositoryIn(list.answer);
  return {
    diagnostic: ok(
      'membership',
      `the identity sees ${count === undefined ? 'many' : count} ${count === 1 ? 'repository' : 'repositories'}`,
    ),
    repository:
      first && `${address}/${encodeURIComponent(first.project)}/_git/${encodeURIComponent(first.name)}`,
  };
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
  const verdict = judge(answer, credential.form, target.identity?.kind);
  if (verdict.kind === 'ok' && isGit) return [ok('repository', 'can be read')];
  if (verdict.kind === 'ok')
    return [failed('repository', 'the server answers, but not with a git repository', SPELLING)];
  if (verdict.kind === 'signed-out')
    return [failed('repository', verdict.message, verdict.repair ?? repairAccess(target, credential))];
  if (verdict.kind === 'busy') return [failed('repository', verdict.message, verdict.repair)];
  const {status, message, repair} = verdict;
  const fallback =
    status === 404
      ? `${SPELLING}; give the identity Read on the repository`
      : status === 403
        ? 'give the identity Read on the repository, and access level Basic or higher'
        : 'try again';
  return [failed('repository', `${message} (HTTP ${status})`, repair ?? fallback)];
}

const SPELLING = 'correct the spelling of project and repository in the URL';
