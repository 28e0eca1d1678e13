import type {Repository} from './rule/repository.ts';

/** Why Azure DevOps did not carry out a request, in git's terms. */
interface Explanation {
  /** The status for the client. Never 401: the client has no credential that could help. */
  readonly status: number;
  readonly code: string;
  readonly message: string;
  readonly hint: string;
}

interface Circumstances {
  readonly organization: string;
  /** `ORGANIZATION/PROJECT/REPOSITORY`. */
  readonly name: string;
  readonly identity: string;
  readonly retryAfter: string | undefined;
}

/**
 * Explains a status that is not a success. `undefined`: the answer goes to the client as it is.
 * `serverText`: what the server said in its own header, fit to print.
 */
export function explainStatus(
  status: number,
  {organization, project, repository}: Repository,
  {
    identity,
    serverText,
    retryAfter,
  }: {identity: string; serverText: string | undefined; retryAfter: string | undefined},
): Explanation | undefined {
  const name = `${organization}/${project}/${repository}`;
  const explained = reasonFor(status)?.({organization, name, identity, retryAfter}, status);
  if (explained === undefined || serverText === undefined) return explained;
  return {...explained, message: `${explained.message} (${serverText})`};
}

type Explain = (circumstances: Circumstances, status: number) => Explanation;

function reasonFor(status: number): Explain | undefined {
  const known = BY_STATUS.get(status);
  if (known !== undefined) return known;
  if (status >= 300 && status < 400) return redirected;
  return status >= 500 ? failed : undefined;
}

const rejected: Explain = ({organization, identity}) => ({
  status: 403,
  code: 'ERR_NOT_ACCEPTED',
  message: `${organization} rejected the credential of ${identity}`,
  hint: `run: orgkey doctor ${organization}`,
});

const forbidden: Explain = ({name, identity}) => ({
  status: 403,
  code: 'ERR_FORBIDDEN',
  message: `${identity} may not do this in ${name}`,
  hint: `ask an administrator of the project to give ${identity} the permission on the repository`,
});

const missing: Explain = ({name, identity}) => ({
  status: 404,
  code: 'ERR_NO_REPOSITORY',
  message: `${name} does not exist, or ${identity} may not read it`,
  hint: 'check the address; if it is right, ask for Read on the repository',
});

const throttled: Explain = ({identity, retryAfter}, status) => ({
  status,
  code: 'ERR_THROTTLED',
  message: `Azure DevOps is busy or limits the requests of ${identity}`,
  hint: tryAgain(retryAfter),
});

/** A time of more than an hour is more likely a mistake. */
function tryAgain(retryAfter: string | undefined): string {
  const seconds = /^\d{1,9}$/.test(retryAfter ?? '') ? Number(retryAfter) : Infinity;
  return seconds <= 3600 ? `try again in ${seconds} seconds` : 'try again later';
}

const redirected: Explain = ({name}, status) => ({
  status: 502,
  code: 'ERR_REDIRECTED',
  message: `the server of ${name} redirects to an address that is not followed (HTTP ${status})`,
  hint: 'use the address that the web page of the repository shows',
});

const failed: Explain = ({retryAfter}, status) => ({
  status: 502,
  code: 'ERR_SERVER',
  message: `Azure DevOps failed with HTTP ${status}`,
  hint: `${tryAgain(retryAfter)}; status.dev.azure.com lists known outages`,
});

const BY_STATUS: ReadonlyMap<number, Explain> = new Map([
  [401, rejected],
  [203, rejected],
  // to the page where people sign in
  [302, rejected],
  [403, forbidden],
  [404, missing],
  [429, throttled],
  [503, throttled],
]);
