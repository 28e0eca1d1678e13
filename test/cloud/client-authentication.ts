import type {Application, Tenant} from './directory.ts';
import {publicKeyOf, thumbprintsOf} from './certificates.ts';
import {EntraError} from './entra-errors.ts';
import {decodeJwt, isSignedBy, textClaim, type DecodedJwt} from './jwt.ts';
import {findResource, tokenExchange} from './resources.ts';
import {isAssertionValidAt, type TokenService} from './token-service.ts';

const assertionType = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';

/**
 * Whether the form proves that it comes from the application: by secret, certificate or federated assertion.
 *
 * @throws {EntraError} with the number that Entra gives.
 */
export function authenticateClient(
  application: Application,
  form: URLSearchParams,
  {tenant, host, tokens, now}: {tenant: Tenant; host: string; tokens: TokenService; now: number},
): void {
  const secret = form.get('client_secret');
  const assertion = form.get('client_assertion');
  if (application.isPublic) {
    if (secret !== null || assertion !== null)
      throw new EntraError(
        700025,
        'invalid_client',
        `Client is public so neither 'client_assertion' nor 'client_secret' should be presented.`,
      );
    return;
  }
  if (secret !== null) return checkSecret(application, secret);
  if (assertion === null)
    throw new EntraError(
      7000218,
      'invalid_client',
      `The request body must contain the following parameter: 'client_assertion' or 'client_secret'.`,
    );
  if (form.get('client_assertion_type') !== assertionType)
    throw new EntraError(
      900144,
      'invalid_request',
      `The request body must contain the following parameter: 'client_assertion_type'.`,
    );
  const jwt = decodeJwt(assertion);
  if (!jwt) throw new EntraError(50027, 'invalid_request', 'JWT token is invalid or malformed.');
  const isOwn = textClaim(jwt.claims, 'iss').toLowerCase() === application.clientId;
  if (isOwn) checkCertificateAssertion(application, jwt, {tenant, host, now});
  else checkFederatedAssertion(application, jwt, {tenant, tokens, now});
}

function checkSecret(application: Application, secret: string): void {
  const known = application.secrets.find(({value}) => value === secret);
  if (!known)
    throw new EntraError(
      7000215,
      'invalid_client',
      `Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the client secret ID, for a secret added to app '${application.clientId}'.`,
    );
  if (known.expired)
    throw new EntraError(
      7000222,
      'invalid_client',
      `The provided client secret keys for app '${application.clientId}' are expired. Visit the Azure portal to create new keys for your app, or consider using certificate credentials for added security.`,
    );
}

function checkCertificateAssertion(
  application: Application,
  jwt: DecodedJwt,
  {tenant, host, now}: {tenant: Tenant; host: string; now: number},
): void {
  const named = [textClaim(jwt.header, 'x5t'), textClaim(jwt.header, 'x5t#S256')];
  const certificate = application.certificates.find((certificate) => {
    const {sha1, sha256} = thumbprintsOf(certificate);
    return named.includes(sha1) || named.includes(sha256);
  });
  if (!certificate)
    throw new EntraError(
      700027,
      'invalid_client',
      `The certificate with identifier used to sign the client assertion is not registered on application. [Reason - The key was not found., Thumbprint of key used by client: '${named.join('')}']`,
    );
  if (!isSignedBy(jwt, publicKeyOf(certificate)))
    throw new EntraError(
      700027,
      'invalid_client',
      'Client assertion failed signature validation. [Reason - The key was found, but use of the key to verify the signature failed.]',
    );
  checkTime(jwt, now);
  if (textClaim(jwt.claims, 'sub').toLowerCase() !== application.clientId)
    throw new EntraError(
      700021,
      'invalid_client',
      `Client assertion application identifier doesn't match 'client_id' parameter.`,
    );
  const audience = textClaim(jwt.claims, 'aud');
  const names = [tenant.id, tenant.domain];
  const accepted = names.flatMap((name) => [
    `https://${host}/${name}/oauth2/v2.0/token`,
    `https://${host}/${name}/v2.0`,
    `https://${host}/${name}/oauth2/token`,
  ]);
  if (!accepted.includes(audience))
    throw new EntraError(
      700023,
      'invalid_client',
      `Client assertion audience claim does not match Realm issuer.`,
    );
}

function checkFederatedAssertion(
  application: Application,
  jwt: DecodedJwt,
  {tenant, tokens, now}: {tenant: Tenant; tokens: TokenService; now: number},
): void {
  const issuer = textClaim(jwt.claims, 'iss');
  const subject = textClaim(jwt.claims, 'sub');
  const audience = textClaim(jwt.claims, 'aud');
  checkPolicy(tenant, issuer);
  // fact 87
  if (application.federatedCredentials.length === 0)
    throw new EntraError(
      70025,
      'invalid_client',
      `The client '${application.clientId}'(${application.name}) has no configured federated identity credentials.`,
    );
  const ofIssuer = application.federatedCredentials.filter((credential) => credential.issuer === issuer);
  if (ofIssuer.length === 0) throw noMatch(700211, 'issuer', issuer);
  const ofSubject = ofIssuer.filter((credential) => credential.subject === subject);
  if (ofSubject.length === 0) {
    const isNear = ofIssuer.some((known) => known.subject.toLowerCase() === subject.toLowerCase());
    // fact 87
    throw noMatch(isNear ? 7002138 : 700213, 'subject', subject);
  }
  // fact 32: a service connection's assertion, if Entra issues it
  if (application.isMultitenant && issuer === application.tenant.issuer && subject.includes('/sc/'))
    throw new EntraError(
      70052,
      'invalid_client',
      'The identity must be a managed identity, a single tenant app, or a service account.',
    );
  const isMeant = ofSubject.some(({audience: wanted = 'api://AzureADTokenExchange'}) =>
    isSameAudience(wanted, audience),
  );
  if (!isMeant) throw noMatch(700212, 'audience', audience);
  const key = tokens.issuerKey(issuer);
  if (!key || !isSignedBy(jwt, key))
    throw new EntraError(
      50013,
      'invalid_grant',
      'Assertion failed signature validation. [Reason - The key was not found.]',
    );
  checkTime(jwt, now);
  if (textClaim(jwt.claims, 'idtyp') === 'user')
    throw new EntraError(
      700229,
      'invalid_client',
      'Token used is not an app token. Only app-only tokens can be used as Federated Identity Credentials for Microsoft Entra ID issuer.',
    );
}

/** fact 86 */
function checkPolicy({federation}: Tenant, issuer: string): void {
  if (federation.forbidden)
    throw new EntraError(
      700223,
      'invalid_client',
      'Workload identity federation is not allowed by a policy of the tenant.',
    );
  if (federation.issuers !== undefined && !federation.issuers.includes(issuer))
    throw new EntraError(
      700238,
      'invalid_client',
      `A policy of the tenant does not allow the issuer '${issuer}' for this type of workload identity.`,
    );
}

function noMatch(number: number, part: string, value: string): EntraError {
  return new EntraError(
    number,
    'invalid_client',
    `No matching federated identity record found for presented assertion ${part} '${value}'. Please check your federated identity credential Subject, Audience and Issuer against the presented assertion.`,
  );
}

function isSameAudience(wanted: string, presented: string): boolean {
  if (wanted === presented) return true;
  return findResource(wanted) === tokenExchange && presented === tokenExchange.audience;
}

function checkTime(jwt: DecodedJwt, now: number): void {
  if (isAssertionValidAt(jwt, now)) return;
  const time = new Date(now).toISOString();
  throw new EntraError(
    700024,
    'invalid_client',
    `Client assertion is not within its valid time range. Current time: ${time}.`,
  );
}
