import type {ControlConnection} from '../../control/control-client.ts';
import {SCHEMA_VERSION, type Status, type TokenResult} from '../../control/control-protocol.ts';
import {probeOrganization, Reachability} from '../../diagnostics/probe-organization.ts';
import {configuredTargets, type Target} from '../../diagnostics/target.ts';
import {Bindings, type Binding} from '../../identity/bindings.ts';
import {describeIdentity, type Identity} from '../../identity/identity.ts';
import {nameInRepair} from '../../text/name-in-repair.ts';
import {printable} from '../../text/printable.ts';
import {addConsentPage} from './consent-page.ts';
import type {Context} from '../context.ts';
import {describeDuration} from '../describe-time.ts';
import {EXIT, type ExitCode} from '../exit-code.ts';
import {style} from '../terminal.ts';

/** What the test of one organization found; `org test --json` prints it. Texts are safe to print. */
export interface TestResult {
  readonly organization: string;
  readonly identity: string;
  readonly kind: Identity['kind'];
  /** `failed`: a token could not be acquired. `unchecked`: Azure DevOps could not be asked. */
  readonly outcome: 'accepted' | 'rejected' | 'failed' | 'unchecked';
  /** Who we are there. */
  readonly user?: string | undefined;
  readonly expiresAt?: string | undefined;
  readonly code?: string | undefined;
  readonly message?: string | undefined;
  readonly hint?: string | undefined;
}

type Daemon = Pick<ControlConnection, 'call'>;

/** Tests every organization that the bindings name, and hands over each result in their order. */
export async function testOrganizations(
  bindings: readonly Binding[],
  daemon: Daemon,
  context: Context,
  report: (result: TestResult) => void = (result) =>
    context.terminal.say(describeResult(result, context.now()).join('\n')),
): Promise<readonly TestResult[]> {
  const targets = configuredTargets(new Bindings(bindings)).filter(
    ({identity}) => identity !== undefined && identity.kind !== 'stored',
  );
  if (targets.length === 0) return [];
  const status = await daemon.call('status', undefined);
  const reachability = new Reachability(context.environment);
  const results: TestResult[] = [];
  const waiting: Promise<TestResult>[] = [];
  const settle = async (test: Promise<TestResult> | undefined) => {
    const result = await test;
    if (result === undefined) return;
    report(result);
    results.push(result);
  };
  for (const target of targets) {
    waiting.push(testOne(target, {daemon, context, reachability, status}));
    if (waiting.length >= AT_ONCE) await settle(waiting.shift());
  }
  for (const test of waiting) await settle(test);
  return results;
}

/** Each test costs a token and some requests. */
const AT_ONCE = 4;

/** Returns what tells a daemon how an organization judged its token. One of an older version does not know the call. */
export function telling(daemon: Daemon): (organization: string, isAccepted: boolean) => Promise<void> {
  return async (organization, isAccepted) => {
    await daemon.call('verdict', {organization, isAccepted}).catch(() => undefined);
  };
}

interface Scene {
  readonly daemon: Daemon;
  readonly context: Context;
  readonly reachability: Reachability;
  readonly status: Status;
}

async function testOne(target: Target, scene: Scene): Promise<TestResult> {
  const {daemon, context, reachability} = scene;
  const {name, identity} = target;
  const about = {
    organization: name,
    identity: identity === undefined ? '' : describeIdentity(identity),
    kind: identity?.kind ?? 'stored',
  } as const;
  const token = await daemon.call('token', {organization: name, scope: undefined});
  if (token.kind === 'failed') return {...about, ...failureOf(target, token)};
  const seen = {
    kind: 'running',
    directory: '',
    status: scene.status,
    token: async () => token,
    tell: telling(daemon),
  } as const;
  const {environment, program, now} = context;
  const asker = {environment, version: program.version, now, daemon: seen};
  const probe = await probeOrganization(target, token, asker, reachability);
  const {expiresAt} = token;
  switch (probe.kind) {
    case 'accepted':
      return {
        ...about,
        outcome: 'accepted',
        user: probe.user,
        expiresAt,
        message: probe.warning?.message,
        hint: probe.warning?.repair,
      };
    case 'rejected':
      return {...about, outcome: 'rejected', code: probe.code, message: probe.message, hint: probe.repair};
    case 'unchecked':
      return {...about, outcome: 'unchecked', expiresAt, message: probe.message, hint: probe.repair};
  }
}

function failureOf(
  {name, identity}: Target,
  {code, message, hint}: Extract<TokenResult, {kind: 'failed'}>,
): Pick<TestResult, 'outcome' | 'code' | 'message' | 'hint'> {
  const repair = addConsentPage(nameInRepair(hint, name), code, identity);
  return {
    outcome: 'failed',
    code: printable(code, 40),
    message: printable(message),
    hint: repair === undefined ? undefined : printable(repair),
  };
}

/** Returns the exit code of a test. A broken organization outranks one that is unknown, and a rejected credential. */
export function exitCodeOf(results: readonly TestResult[]): ExitCode {
  const codes = results.map(({outcome, code = ''}): ExitCode => {
    if (outcome === 'accepted' || outcome === 'unchecked') return EXIT.ok;
    return exitCodeFor(code);
  });
  return [EXIT.unhealthy, EXIT.usage, EXIT.signInRejected].find((code) => codes.includes(code)) ?? EXIT.ok;
}

/** Returns the exit code for a failure: Entra or Azure DevOps rejected the credential, or something is broken. */
export function exitCodeFor(code: string): ExitCode {
  if (code === 'ERR_NOT_CONFIGURED') return EXIT.usage;
  // codes of the issuer: AADSTS7000222, TF400813, VS403463, and OAuth's words
  const isRejection = /^(?:AADSTS|TF|VS)[0-9]|^[a-z]+_[a-z_]+$/.test(code) || REJECTIONS.has(code);
  return isRejection ? EXIT.signInRejected : EXIT.unhealthy;
}

/** Returns the lines about one organization. Only what Azure DevOps accepted gets a check mark. */
export function describeResult(result: TestResult, now: number): string[] {
  const {organization, identity, outcome, user, expiresAt, code, message = '', hint} = result;
  const who = `${printable(organization)}: ${printable(identity)}`;
  const repair = hint === undefined ? [] : [`  repair: ${hint.replaceAll('\n', '\n  ')}`];
  const left = expiresAt === undefined ? '' : `, token for ${describeDuration(Date.parse(expiresAt) - now)}`;
  switch (outcome) {
    case 'accepted': {
      const warning = message === '' ? [] : [`  ${style('yellow', '!')} ${message}`, ...repair];
      return [`${style('green', '✓')} ${who}: signed in as ${user ?? 'unknown'}${left}`, ...warning];
    }
    case 'unchecked':
      return [`${style('yellow', '–')} ${who}: not checked: ${message}`, ...repair];
    case 'rejected':
    case 'failed':
      return [`${style('red', '✗')} ${who}: ${message}${codeIn(code, message)}`, ...repair];
  }
}

function codeIn(code: string | undefined, message: string): string {
  return code === undefined || message.includes(code) ? '' : ` (${code})`;
}

export function resultsAsJson(results: readonly TestResult[]): object {
  return {schemaVersion: SCHEMA_VERSION, organizations: results};
}

/** Our own codes for a missing sign-in or a rejected credential. */
const REJECTIONS = new Set([
  'ERR_AZURE_CLI_SIGN_IN',
  'ERR_CANCELLED',
  'ERR_NOT_ACCEPTED',
  'ERR_NOT_SIGNED_IN',
  'ERR_NO_SUCH_IDENTITY',
  'ERR_SIGN_IN_TIMEOUT',
]);
