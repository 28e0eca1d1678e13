import {EntraError} from '../entra-errors.ts';
import {findResource, graph, type Resource} from '../resources.ts';
import {missing} from './replies.ts';

export function defaultScopeResource(scope: string | null): Resource {
  if (scope === null || scope === '') throw missing('scope');
  const [wanted = '', ...others] = scope.split(' ').filter((part) => !isOpenIdScope(part));
  if (others.length > 0 || wanted === '')
    throw new EntraError(
      70011,
      'invalid_scope',
      `The provided request must include a 'scope' input parameter. The provided value for the input parameter 'scope' is not valid. The scope ${scope} is not valid.`,
    );
  if (!wanted.endsWith('/.default'))
    throw new EntraError(
      1002012,
      'invalid_scope',
      `The provided value for scope ${scope} is not valid. Client credential flows must have a scope value with /.default suffixed to the resource identifier (application ID URI).`,
    );
  const name = wanted.slice(0, -'/.default'.length);
  const resource = findResource(name);
  if (!resource)
    throw new EntraError(
      500011,
      'invalid_resource',
      `The resource principal named ${name} was not found in the tenant. This can happen if the application has not been installed by the administrator of the tenant or consented to by any user in the tenant. You might have sent your authentication request to the wrong tenant.`,
    );
  return resource;
}

/** What a user's scopes ask for; a name without resource means Microsoft Graph. */
export function delegatedScope(scope: string): {
  resource: Resource;
  permissions: readonly string[];
  openid: readonly string[];
} {
  const parts = scope.split(/\s+/).filter(Boolean);
  if (parts.length === 0) throw missing('scope');
  const openid = parts.filter(isOpenIdScope);
  const wanted = parts
    .filter((part) => !isOpenIdScope(part))
    .map((part) => {
      const slash = part.lastIndexOf('/');
      return slash < 0
        ? {name: graph.id, permission: part}
        : {name: part.slice(0, slash), permission: part.slice(slash + 1)};
    });
  const [first] = wanted;
  if (!first) return {resource: graph, permissions: ['User.Read'], openid};
  if (wanted.some(({name}) => name !== first.name))
    throw new EntraError(
      28000,
      'invalid_request',
      `Provided value for the input parameter scope is not valid because it contains more than one resource. Scope ${scope} is not valid.`,
    );
  const resource = findResource(first.name);
  if (!resource)
    throw new EntraError(
      500011,
      'invalid_resource',
      `The resource principal named ${first.name} was not found in the tenant.`,
    );
  const unknown = wanted.find(
    ({permission}) => permission !== '.default' && !resource.permissions.test(permission),
  );
  if (unknown)
    throw new EntraError(
      650053,
      'invalid_client',
      `The application asked for scope '${unknown.permission}' that doesn't exist on the resource '${resource.id}'. Contact the app vendor.`,
      {status: 400},
    );
  return {resource, permissions: wanted.map(({permission}) => permission), openid};
}

function isOpenIdScope(scope: string): boolean {
  return ['openid', 'profile', 'offline_access', 'email'].includes(scope);
}
