import {execFile} from 'node:child_process';
import {fieldOf, type Job} from './job.ts';
import {parseRecord} from '../text/record.ts';
import {timedOut} from '../text/timed-out.ts';
import {TIME_BUDGET} from '../time-budget.ts';
import {AcquirerError, lateFailure, localFailure} from './failure.ts';

const INSTALL =
  'Install it (https://aka.ms/azcli), and check that the PATH of the service includes az: orgkey doctor compares.';

export interface CliToken {
  readonly accessToken: string;
  /** In milliseconds. */
  readonly expiresIn: number | undefined;
}

/** Returns the token of the user who is signed in to the Azure CLI. @throws {AcquirerError} */
export async function askAzureCli(job: Job): Promise<CliToken> {
  const {tenantId} = job.fields;
  const tenant = tenantId === undefined ? [] : ['--tenant', tenantId];
  const scope = fieldOf(job, 'scope');
  const output = await runAz([
    'account',
    'get-access-token',
    '--output',
    'json',
    '--scope',
    scope,
    ...tenant,
  ]);
  const answer = parseRecord(output);
  const accessToken = answer?.['accessToken'];
  if (typeof accessToken !== 'string' || accessToken === '')
    throw localFailure('ERR_AZURE_CLI', 'az answered without a token', 'Try it: az account get-access-token');
  return {accessToken, expiresIn: lifeOf(answer ?? {})};
}

function runAz(args: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(
      'az',
      args,
      {timeout: TIME_BUDGET.azureCli, killSignal: 'SIGKILL', maxBuffer: 256 * 1024},
      (error, output, complaint) => {
        if (error === null) resolve(output);
        else reject(explain(error, complaint));
      },
    ).stdin?.end();
  });
}

function explain(error: Error & {code?: unknown; killed?: boolean}, complaint: string): AcquirerError {
  if (error.code === 'ENOENT')
    return localFailure('ERR_NO_AZURE_CLI', 'the Azure CLI (az) is not installed here', INSTALL);
  if (error.code === 'EACCES')
    return localFailure('ERR_NO_AZURE_CLI', 'the Azure CLI (az) may not be run here', INSTALL);
  if (error.killed)
    return new AcquirerError(
      lateFailure(
        timedOut('the Azure CLI did not answer', TIME_BUDGET.azureCli, 'Try it: az account get-access-token'),
      ),
    );
  const code = /AADSTS\d+/.exec(complaint)?.[0];
  if (/az login|not logged in|No subscription found|interactive/i.test(complaint))
    return localFailure(
      code ?? 'ERR_AZURE_CLI_SIGN_IN',
      'no user is signed in to the Azure CLI, or the sign-in has expired',
      'Run az login as the user of the daemon; without subscriptions: az login --allow-no-subscriptions',
    );
  const first =
    complaint
      .split('\n')
      .find((line) => line.trim() !== '')
      ?.slice(0, 200) ?? 'without a word';
  return localFailure(
    code ?? 'ERR_AZURE_CLI',
    `the Azure CLI failed: ${first}`,
    'Try it: az account get-access-token',
  );
}

/** Reads `expires_on`, in seconds since epoch; older CLIs print only the local time. Fact 77. */
function lifeOf(answer: Readonly<Record<string, unknown>>): number | undefined {
  const seconds = Number(answer['expires_on'] ?? Number.NaN);
  if (Number.isFinite(seconds)) return seconds * 1000 - Date.now();
  const local = answer['expiresOn'];
  const date = typeof local === 'string' ? Date.parse(local.replace(' ', 'T')) : Number.NaN;
  return Number.isFinite(date) ? date - Date.now() : undefined;
}
