import type {TokenResult} from '../control/control-protocol.ts';
import {printable} from '../text/printable.ts';
import {askServer} from './ask-server.ts';
import {checkOrganization} from './checks/check-organization.ts';
import type {Diagnostic} from './diagnostic.ts';
import type {Target} from './target.ts';
import type {SeenDaemon, World} from './world.ts';
import type {Environment} from '../text/environment.ts';

/** What an organization says about a token. Texts are half sentences without secrets. */
type Probe =
  | {
      readonly kind: 'accepted';
      /** Who we are there. */
      readonly user: string | undefined;
      /** What is likely to fail all the same. */
      readonly warning: Finding | undefined;
    }
  | ({readonly kind: 'rejected'; readonly code: string} & Finding)
  /** No answer: this says nothing about the token. */
  | ({readonly kind: 'unchecked'} & Finding);

interface Finding {
  readonly message: string;
  readonly repair: string;
}

type Asker = Pick<World, 'environment' | 'version' | 'now'> & {
  readonly daemon: Extract<SeenDaemon, {kind: 'running'}>;
};

/** Asks hosts whether they answer at all, and each of them only once. */
export class Reachability {
  readonly #environment: Environment;
  readonly #asked = new Map<string, Promise<Finding | undefined>>();

  constructor(environment: Environment) {
    this.#environment = environment;
  }

  /** Returns why the host cannot be reached. `undefined`: it can. */
  problemOf(host: string): Promise<Finding | undefined> {
    const asked = this.#asked.get(host) ?? this.#ask(host);
    this.#asked.set(host, asked);
    return asked;
  }

  async #ask(host: string): Promise<Finding | undefined> {
    const asked = await askServer({
      url: `https://${host}/`,
      headers: {'user-agent': 'orgkey (test)'},
      environment: this.#environment,
    });
    return asked.kind === 'answered' ? undefined : {message: asked.message, repair: asked.repair};
  }
}

/** Asks an organization who we are with this token, with the checks of `orgkey doctor`. */
export async function probeOrganization(
  target: Target,
  token: Extract<TokenResult, {kind: 'token'}>,
  {daemon, ...world}: Asker,
  reachability: Reachability,
): Promise<Probe> {
  const problem = await reachability.problemOf(target.host);
  if (problem !== undefined) return {kind: 'unchecked', ...problem};
  const given = {...daemon, token: async () => token};
  const known = {...world, daemon: given, loaded: {kind: 'loaded'}, unreachable: new Set<string>()} as const;
  const {diagnostics} = await checkOrganization(target, known);
  await tellVerdict(target, diagnostics, daemon);
  return judgeDiagnostics(diagnostics);
}

/** Lets the daemon know what an organization said about its token: `orgkey status` shows it. */
export async function tellVerdict(
  {name}: Target,
  diagnostics: readonly Diagnostic[],
  daemon: Pick<Asker['daemon'], 'tell'>,
): Promise<void> {
  const hasToken = diagnostics.some(({title, outcome}) => title === 'token' && outcome === 'ok');
  const {kind} = judgeDiagnostics(diagnostics);
  if (hasToken && kind !== 'unchecked') await daemon.tell(name, kind === 'accepted');
}

function judgeDiagnostics(diagnostics: readonly Diagnostic[]): Probe {
  const signIn = diagnostics.find(({title}) => title === 'sign-in');
  if (signIn?.outcome === 'ok') {
    const warned = diagnostics.find(({outcome}) => outcome === 'warning');
    return {
      kind: 'accepted',
      user: signIn.detail.replace(/^as /, ''),
      warning: warned === undefined ? undefined : findingOf(warned),
    };
  }
  // the first one is the cause
  const failed = diagnostics.find(({outcome}) => outcome === 'failed') ?? signIn;
  if (failed === undefined) return {kind: 'unchecked', message: 'no check applies', repair: 'orgkey doctor'};
  // the server is busy, or another one answers, which says nothing about the credential
  if (/\(HTTP (?:429|5\d\d)\b| in the place of Azure DevOps /.test(failed.detail))
    return {kind: 'unchecked', ...findingOf(failed)};
  const named = /\b(?:TF|VS)[0-9]{5,6}\b/.exec(failed.detail)?.[0];
  const code = named ?? (failed.title === 'organization' ? 'ERR_NO_ORGANIZATION' : 'ERR_NOT_ACCEPTED');
  return {kind: 'rejected', code, ...findingOf(failed)};
}

function findingOf({detail, repair}: Diagnostic): Finding {
  return {message: printable(detail, 300), repair: repair ?? 'orgkey doctor'};
}
