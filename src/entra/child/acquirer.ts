import type * as Credentials from '../token-credential.ts';
import {forbidEval} from '../../forbid-eval.ts';
import {fieldOf, jobFrom, type Job, type TimedJob} from '../job.ts';
import {HttpClient} from '../http/http-client.ts';
import {decodeMessage, encodeMessage, type Message} from '../message.ts';
import type {Grant} from '../sign-in/issuer.ts';
import {AcquirerError, lateFailure, type AcquirerFailure, local} from '../failure.ts';
import {timedOut} from '../../text/timed-out.ts';
import {machineFailure} from '../machine-failure.ts';

/**
 * Reads one job from stdin, sends its requests, writes one result to stdout and exits. It is a process of its own to have
 * a deadline, a clean environment and no memory of earlier tokens: the SDK has no request timeout, keeps tokens of
 * managed identities for the life of a process, and treats a managed identity as a workload identity if certain variables
 * are set.
 * Fact 24.
 */
async function main(): Promise<void> {
  forbidEval();
  // loads while the job is being read
  const sdk = process.argv[2] === 'sdk' ? import('../token-credential.ts') : undefined;
  const job = await readJob().catch(refuse);
  // the daemon counts from the start of the process, which is slow on a busy machine
  const time = Math.max(1, Math.floor(job.time - performance.now()));
  const client = new HttpClient({
    deadline: performance.now() + time,
    variables: process.env,
    requestId: job.fields['requestId'],
    secrets: Object.values(job.secrets).map((secret) => new TextDecoder().decode(secret)),
  });
  const result = await Promise.race([
    after(time, () => failed(tooLate(job, client), client)),
    perform(job, client, await sdk).catch((error: unknown) => failed(failureOf(error, client), client)),
  ]);
  return endWith(result);
}

async function endWith(result: Message): Promise<never> {
  await new Promise((resolve) => process.stdout.write(encodeMessage(result), resolve));
  // do not wait for connections that are kept alive
  process.exit(0);
}

/** Reports a job that cannot be read. */
function refuse(error: unknown): Promise<never> {
  if (!(error instanceof AcquirerError)) throw error;
  return endWith({head: {kind: 'failed', failure: error.failure}, secrets: {}});
}

async function perform(job: Job, client: HttpClient, sdk: Sdk | undefined): Promise<Message> {
  switch (job.task) {
    case 'azure-cli': {
      const {askAzureCli} = await import('../azure-cli.ts');
      const {accessToken, expiresIn} = await askAzureCli(job);
      return done({accessToken}, {expiresIn}, client);
    }
    case 'vault-secret': {
      const {readVaultSecret} = await import('../key-vault.ts');
      const value = await readVaultSecret(job, await sdkToken(job, client, sdk), client);
      return done({value}, {}, client);
    }
    case 'refresh': {
      const {Issuer} = await import('../sign-in/issuer.ts');
      const issuer = await Issuer.of(job, client);
      return granted(await issuer.refresh(new TextDecoder().decode(job.secrets['refreshToken'])), client);
    }
    case 'browser': {
      const {signInWithBrowser} = await import('../sign-in/browser-sign-in.ts');
      return granted(await withWatch(() => signInWithBrowser(job, client, tell)), client);
    }
    case 'device-code': {
      const {signInWithDeviceCode} = await import('../sign-in/device-code.ts');
      return granted(await withWatch(() => signInWithDeviceCode(job, client, tell)), client);
    }
    case 'client-certificate': {
      const accessToken = await sdkToken(job, client, sdk);
      const {certificateEnd} = await import('../certificate.ts');
      return done({accessToken}, {...client.lifetime, credentialExpiresAt: certificateEnd(job)}, client);
    }
    default:
      return done({accessToken: await sdkToken(job, client, sdk)}, {...client.lifetime}, client);
  }
}

type Sdk = Pick<typeof Credentials, 'tokenCredentialFor'>;

async function sdkToken(job: Job, client: HttpClient, sdk: Sdk | undefined): Promise<string> {
  const {tokenCredentialFor} = sdk ?? (await import('../token-credential.ts'));
  const answer = await tokenCredentialFor(job, client).getToken(fieldOf(job, 'scope'));
  if (answer === null) throw new Error('the SDK has neither a token nor a reason');
  return answer.token;
}

function granted({accessToken, refreshToken, username, tenantId}: Grant, client: HttpClient): Message {
  const secrets = {accessToken, ...(refreshToken === undefined ? {} : {refreshToken})};
  return done(secrets, {...client.lifetime, username, tenantId}, client);
}

/** Writes an event, one line before the result. */
function tell(event: Readonly<Record<string, unknown>>): void {
  process.stdout.write(`${JSON.stringify(event)}\n`);
}

/** Exits if the daemon ends while a user is signing in. */
async function withWatch<Result>(wait: () => Promise<Result>): Promise<Result> {
  const daemon = process.ppid;
  const watch = setInterval(() => {
    if (process.ppid !== daemon) process.exit(1);
  }, 1000);
  try {
    return await wait();
  } finally {
    clearInterval(watch);
  }
}

async function readJob(): Promise<TimedJob> {
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(Buffer.from(chunk));
  const message = decodeMessage(Buffer.concat(chunks));
  const job = message && jobFrom(message);
  if (job === undefined) throw new Error('stdin has no job');
  // only the SDK needs them, and a process's initial environment is visible to others
  for (const [name, value] of Object.entries(job.fields)) {
    if (name.startsWith('variable:')) process.env[name.slice('variable:'.length)] = value;
  }
  for (const [name, value] of Object.entries(job.secrets)) {
    if (name.startsWith('variable:'))
      process.env[name.slice('variable:'.length)] = new TextDecoder().decode(value);
  }
  return job;
}

function done(
  secrets: Readonly<Record<string, string>>,
  head: Readonly<Record<string, unknown>>,
  client: HttpClient,
): Message {
  const bytes = Object.entries(secrets).map(([name, secret]) => [name, Buffer.from(secret)]);
  return {head: {kind: 'done', ...head, ...factsOf(client)}, secrets: Object.fromEntries(bytes)};
}

function failed(failure: AcquirerFailure, client: HttpClient): Message {
  return {head: {kind: 'failed', failure, assertion: client.assertion, ...factsOf(client)}, secrets: {}};
}

function factsOf({skew, requests}: HttpClient) {
  return {skew, requests};
}

/** Our client knows the cause better than the error of the SDK. */
function failureOf(error: unknown, client: HttpClient): AcquirerFailure {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (cause instanceof AcquirerError) return cause.failure;
    const failure = machineFailure(cause, client.challenge);
    if (failure !== undefined) return failure;
  }
  if (client.failure !== undefined) return client.failure;
  return {
    kind: 'unexpected',
    detail: error instanceof Error ? `${error.name}: ${error.message}` : String(error),
  };
}

function tooLate({task, time}: TimedJob, {asked, failure}: HttpClient): AcquirerFailure {
  if (task === 'browser' || task === 'device-code')
    return local(
      'ERR_SIGN_IN_TIMEOUT',
      `no user signed in within ${time < 120_000 ? `${Math.ceil(time / 1000)} s` : `${Math.round(time / 60_000)} min`}`,
      'Start the sign-in again: orgkey login.',
    );
  // the try before knows the cause better than the one that was cut off
  if (failure?.kind === 'unreachable' && failure.host === asked?.host) return failure;
  return asked === undefined
    ? lateFailure(timedOut('the acquirer did not end', time, 'Try again.'))
    : {kind: 'unreachable', ...asked, code: 'TIMEOUT', detail: 'no answer in time'};
}

function after<Result>(milliseconds: number, make: () => Result): Promise<Result> {
  return new Promise((resolve) => {
    setTimeout(() => resolve(make()), milliseconds);
  });
}

// not awaited: parts that are loaded later import from this file
void main();
