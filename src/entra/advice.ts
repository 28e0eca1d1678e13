import {clientIdOf, tenantOf, type Identity} from '../identity/identity.ts';
import type {Failure} from '../token/acquire.ts';
import {printable} from '../text/printable.ts';
import {adviseOnSilence} from './advise-on-silence.ts';
import {nameOf, worded} from './advice-words.ts';
import {comparedParts, describeParts, type AssertionFacts} from './assertion.ts';
import {explainCode, type Explanation} from './explanations.ts';
import type {AcquirerFailure} from './failure.ts';
import {repairAssertion} from './repair-assertion.ts';
import {repairFor, type Repairer} from './repair-for.ts';

/** What the advice depends on besides the failure. */
interface Subject extends Repairer {
  /** How far our clock is ahead of the server's, in milliseconds, if that is known. */
  readonly skew?: number | undefined;
  /** The client assertion that was sent, if the acquirer could read it. */
  readonly assertion?: AssertionFacts | undefined;
}

/** Returns what advice needs to know of an identity. */
export function subjectOf(identity: Identity): Repairer {
  return {kind: identity.kind, clientId: clientIdOf(identity), tenantId: tenantOf(identity)};
}

/** Entra takes assertions of a clock that is off by less than this, in milliseconds. */
const TOLERATED_SKEW = 5 * 60_000;

/** Turns the facts of a failure into code, message and hint. */
export function advise(failure: AcquirerFailure, subject: Subject): Failure {
  switch (failure.kind) {
    case 'rejected':
      return adviseOnRejection(failure, subject);
    case 'unreachable':
      return adviseOnSilence(failure);
    case 'unusable':
      return worded(
        'ERR_UNUSABLE_ANSWER',
        `${nameOf(failure.service)} answered with ${printable(failure.detail)} (${printable(failure.host)}, HTTP ${failure.status})`,
        'A proxy may answer in its place: check the proxy of this machine and the authority host.',
      );
    case 'local': {
      // the Azure CLI passes on codes of Entra
      const known = explainCode(failure.code);
      const hint = known === undefined ? failure.hint : repairFor(known, subject);
      return worded(failure.code, printable(failure.detail), hint && printable(hint));
    }
    case 'unexpected':
      return worded(
        'ERR_UNEXPECTED',
        `unexpected failure (${printable(failure.detail, 200)})`,
        'Run orgkey doctor, and report what it says if it finds nothing.',
      );
  }
}

type Rejection = Extract<AcquirerFailure, {kind: 'rejected'}>;

/** Status and OAuth error decide the kind of rejection, the code what to do. */
function adviseOnRejection(rejection: Rejection, subject: Subject): Failure {
  const known = explanationOf(rejection);
  const code = known?.code ?? rejection.codes[0];
  if (rejection.status === 429 || known?.retry === 'after-cooldown') return throttled(rejection, code);
  if (known !== undefined && dependsOnTime.has(known.code) && Math.abs(subject.skew ?? 0) > TOLERATED_SKEW)
    return clockIsWrong(known.code, subject.skew ?? 0);
  if (known !== undefined) return explained(known, rejection, subject);
  if (rejection.status >= 500) return unwell(rejection, code);
  const {message, hint} = adviceByService(rejection, subject);
  return {...worded(code ?? errorCodeOf(rejection), message, hint), retryAfter: rejection.retryAfter};
}

function explained(known: Explanation, rejection: Rejection, subject: Subject): Failure {
  const parts = showsAssertion(known) ? comparedParts(rejection.description, subject.assertion) : {};
  const hint = repairAssertion(known, parts, subject) ?? repairFor(known, subject, rejection.host);
  const message = `${halfSentence(known.meaning)}${describeParts(parts)}`;
  return {...worded(known.code, message, hint), retryAfter: rejection.retryAfter};
}

/** Whether the difference between the assertion and what the tenant accepts is the reason. */
function showsAssertion({code, page}: Explanation): boolean {
  return page === 'federation' || code === 'AADSTS700238' || code === 'AADSTS7002381';
}

function throttled({service, retryAfter}: Rejection, code: string | undefined): Failure {
  const wait = retryAfter ?? (code === 'AADSTS50196' ? 5 * 60_000 : undefined);
  const when = wait === undefined ? '' : ` for ${describeTime(wait)}`;
  return {
    code: code ?? 'ERR_THROTTLED',
    message: `${nameOf(service)} is asked too often and rejects requests${when}`,
    hint: 'orgkey asks again after that time; do nothing unless it happens again.',
    retryAfter: wait,
  };
}

function unwell({service, status, retryAfter}: Rejection, code: string | undefined): Failure {
  return {
    code: code ?? 'ERR_ISSUER_UNWELL',
    message: `${nameOf(service)} has an internal failure (HTTP ${status})`,
    hint: 'orgkey asks again automatically; https://azure.status.microsoft lists outages.',
    retryAfter,
  };
}

/** Codes name the repair if Entra was asked; other services pass on codes of servers behind them. */
function explanationOf({service, codes}: Rejection): Explanation | undefined {
  const isEntra = service === 'entra' || service === 'issuer' || service === 'managed-identity';
  return isEntra ? codes.map(explainCode).find((explanation) => explanation !== undefined) : undefined;
}

const dependsOnTime = new Set(['AADSTS700024', 'AADSTS50013', 'AADSTS700027']);

function clockIsWrong(code: string, skew: number): Failure {
  return worded(
    code,
    `this machine's clock is ${describeTime(Math.abs(skew))} ${skew > 0 ? 'ahead' : 'behind'}, and Entra rejects what was signed at another time`,
    'Set the clock: timedatectl set-ntp true',
  );
}

interface Advice {
  readonly message: string;
  readonly hint: string;
}

function adviceByService(rejection: Rejection, subject: Subject): Advice {
  switch (rejection.service) {
    case 'entra':
    case 'issuer':
      return adviceByOauthError(rejection, subject);
    case 'managed-identity':
      return adviceOnMetadata(rejection);
    case 'github-actions':
      return {
        message: `GitHub did not issue a token to the job (HTTP ${rejection.status}${said(rejection)})`,
        hint: 'Give the job the permission: permissions: {id-token: write}; the request token works while the job runs only.',
      };
    case 'azure-pipelines':
      return {
        message: `Azure Pipelines did not issue a token to the job (HTTP ${rejection.status}${said(rejection)})`,
        hint: 'Pass System.AccessToken to the step as SYSTEM_ACCESSTOKEN, check serviceConnectionId, and let the pipeline use that service connection.',
      };
    case 'key-vault':
      return rejection.status === 404
        ? {
            message: 'the vault has no such secret',
            hint: 'Check vault and secret; names are compared without case.',
          }
        : {
            message: `the vault rejects the machine's managed identity (HTTP ${rejection.status}${said(rejection)})`,
            hint: "Give the identity the role 'Key Vault Secrets User' on the vault, and let the machine's network in.",
          };
  }
}

function adviceByOauthError(rejection: Rejection, subject: Subject): Advice {
  const words = byOauthError.get(rejection.error ?? '');
  if (words === undefined)
    return {
      message: `${nameOf(rejection.service)} refuses (HTTP ${rejection.status}${said(rejection)})`,
      hint: 'Check clientId, tenantId and authorityHost; orgkey doctor asks again step by step.',
    };
  const [message, hint] = words(nameOf(rejection.service), subject);
  return {message: `${message}${said(rejection)}`, hint};
}

type Words = (service: string, subject: Subject) => readonly [message: string, hint: string];

const refusesApp: Words = (service, {kind}) => [
  `${service} refuses the ${credentialOf(kind)} of this app`,
  'Compare clientId and tenantId with the app registration, and check that its secret, certificate or federated credential still exists.',
];
const wantsUser: Words = () => ['the user must sign in again', 'Run orgkey login for the organization.'];
const wasDeclined: Words = () => ['the sign-in was declined', 'Start it again and accept.'];
const knowsNoScope: Words = (service) => [
  `${service} does not know what is asked for`,
  'Check scopes and tenantId: the tenant must be the one that the organization is connected to.',
];
const isUnwell: Words = (service) => [
  `${service} cannot answer for the moment`,
  'orgkey asks again automatically.',
];

const byOauthError: ReadonlyMap<string, Words> = new Map(
  Object.entries<Words>({
    invalid_client: refusesApp,
    unauthorized_client: refusesApp,
    invalid_grant: wantsUser,
    interaction_required: wantsUser,
    login_required: wantsUser,
    expired_token: wantsUser,
    consent_required: () => ['the app lacks consent', 'Have an admin of the tenant consent to the app.'],
    access_denied: wasDeclined,
    authorization_declined: wasDeclined,
    invalid_scope: knowsNoScope,
    invalid_resource: knowsNoScope,
    invalid_tenant: () => [
      'the tenant does not exist',
      'Check tenantId, and authorityHost for national clouds.',
    ],
    temporarily_unavailable: isUnwell,
    server_error: isUnwell,
  }),
);

function adviceOnMetadata(rejection: Rejection): Advice {
  if (rejection.status === 404 || rejection.status === 410)
    return {
      message: `the machine's metadata service is being updated, which takes up to 70 s, or has no identities (HTTP ${rejection.status})`,
      hint: 'Try again in a minute; then check that an identity is assigned to the machine.',
    };
  if (rejection.status === 400)
    return {
      message: `the machine has no such managed identity${said(rejection)}`,
      hint: 'Assign it to the machine (az vm identity assign, or under Identity in the portal), or correct clientId.',
    };
  return {
    message: `the machine's metadata service refuses (HTTP ${rejection.status}${said(rejection)})`,
    hint: 'Check that the machine has a managed identity, and that no proxy or firewall blocks the metadata service.',
  };
}

function errorCodeOf({service, error, status}: Rejection): string {
  if (service === 'managed-identity' && status === 400) return 'ERR_NO_SUCH_IDENTITY';
  if (service === 'managed-identity' && (status === 404 || status === 410)) return 'ERR_METADATA_UPDATING';
  const name = (error ?? '').replaceAll(/[^A-Za-z0-9]+/g, '_').toUpperCase();
  return name === '' ? `ERR_HTTP_${status}` : `ERR_${name}`;
}

function credentialOf(kind: string): string {
  switch (kind) {
    case 'client-secret':
      return 'client secret';
    case 'client-certificate':
      return 'certificate';
    default:
      return 'assertion';
  }
}

/** Returns the first sentence of the server's description. */
function said({description}: Rejection): string {
  const first =
    description
      .split(/(?<=\.)\s|[\r\n]/)[0]
      ?.replace(/^AADSTS\d+:\s*/, '')
      .replace(/\.$/, '') ?? '';
  return first === '' ? '' : `: ${printable(first, 200)}`;
}

function halfSentence(sentence: string): string {
  const text = sentence.replace(/\.$/, '');
  // `An assertion` becomes `an assertion`, `OAuth` and `MFA` stay
  return /^[A-Z][a-z']*(?:\s|$)/.test(text) && !/^(?:Entra|Azure|Conditional|Microsoft|Git)\b/.test(text)
    ? `${text[0]?.toLowerCase() ?? ''}${text.slice(1)}`
    : text;
}

function describeTime(milliseconds: number): string {
  const seconds = Math.ceil(milliseconds / 1000);
  if (seconds < 120) return `${seconds} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 120) return `${minutes} min`;
  const hours = Math.round(minutes / 60);
  return hours < 48 ? `${hours} h` : `${Math.round(hours / 24)} days`;
}
