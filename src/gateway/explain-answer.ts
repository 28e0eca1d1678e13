import type {Repository} from './repository.ts';

/** Why Azure DevOps did not carry out a request, in git's terms. */
export interface Explanation {
  /** The status for the client. Never 401: the client has no credential that could help. */
  readonly status: number;
  readonly code: string;
  readonly message: string;
  readonly hint: string;
}

/** `serverText`: what the server said in its own header, fit to print. */
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
  const said = serverText === undefined ? '' : ` (${serverText})`;
  switch (status) {
    case 401:
    case 203:
    case 302:
      return {
        status: 403,
        code: 'ERR_NOT_ACCEPTED',
        message: `${organization} rejected the credential of ${identity}${said}`,
        hint: `run: orgkey doctor ${organization}`,
      };
    case 403:
      return {
        status: 403,
        code: 'ERR_FORBIDDEN',
        message: `${identity} may not do this in ${name}${said}`,
        hint: `ask an administrator of the project to give ${identity} the permission on the repository`,
      };
    case 404:
      return {
        status: 404,
        code: 'ERR_NO_REPOSITORY',
        message: `${name} does not exist, or ${identity} may not read it${said}`,
        hint: 'check the address; if it is right, ask for Read on the repository',
      };
    case 429:
    case 503:
      return {
        status,
        code: 'ERR_THROTTLED',
        message: `Azure DevOps is busy or limits the requests of ${identity}${said}`,
        hint: retryAfter === undefined ? 'try again later' : `try again in ${retryAfter} seconds`,
      };
    default:
      return status >= 500
        ? {
            status: 502,
            code: 'ERR_SERVER',
            message: `Azure DevOps failed with HTTP ${status}${said}`,
            hint: 'try again later; status.dev.azure.com lists known outages',
          }
        : undefined;
  }
}
