import {resolve} from 'node:path';
import {isMap, isScalar, isSeq, parseDocument, visit, YAMLMap, YAMLSeq, type Document} from 'yaml';
import {terraformTarget} from '../build/terraform-variables.ts';
import type {Environment} from '../../text/environment.ts';

/** The text of a new configuration, or why it cannot be made. */
export type InitialText =
  | {readonly kind: 'text'; readonly text: string}
  /** Half a sentence, lower case, no full stop. It quotes nothing that was read. */
  | {readonly kind: 'failed'; readonly message: string};

interface InitialOptions {
  /** Path or address of the JSON Schema, for editors. Default: none is named. */
  readonly schema?: string | undefined;
}

/** Returns a configuration that is valid, does nothing yet, and shows what can be written. */
export function freshConfiguration({schema}: InitialOptions): string {
  return `${headOf(schema)}
# Each credential is for the organizations that it names; one without organizations is for all others.
# The fields decide the kind. A secret is best kept out of this file:
#   {$file: PATH}  {$env: VARIABLE}  {$credential: NAME}  {$command: [PROGRAM, ARGUMENT]}
#   {$keyring: NAME}  {$keyVault: {vault: NAME, secret: NAME}}
integrations:
  azure:
    - host: dev.azure.com
      credentials:
        # A managed identity of this machine:
        # - organizations: [contoso]
        #   clientId: system-assigned

        # An app registration with a client secret:
        # - organizations: [contoso]
        #   clientId: 00000000-0000-0000-0000-000000000000
        #   clientSecret: {$file: contoso-secret}
        #   tenantId: 00000000-0000-0000-0000-000000000000

        # A personal access token:
        # - organizations: [fabrikam]
        #   personalAccessToken: {$file: fabrikam-pat}

        # You, signed in with: orgkey login
        # - organizations: [contoso]
        #   signIn: browser

# orgkey:
#   # Containers get the directory scoped/team-a: it serves contoso only.
#   sockets: [{name: team-a, organizations: [contoso]}]
#   # A key for submodules that can be reached over SSH only.
#   submodules: [{organizations: [contoso], privateKey: {$file: contoso_key}}]
`;
}

/** Returns a configuration for the identity of Terraform's variables, and the organization that they name. */
export function terraformConfiguration(environment: Environment, {schema}: InitialOptions): InitialText {
  const target = terraformTarget(environment);
  if (target.kind === 'failed') return target;
  const {host, organization} = target;
  const lines = [
    ...(organization === undefined ? [] : [`organizations: [${JSON.stringify(organization)}]`]),
    'environment: terraform',
  ];
  const text = `${headOf(schema)}
# The variables must be set where the daemon runs: a service does not see those of your shell.
integrations:
  azure:
    - host: ${host}
      credentials:
${lines.map((line, index) => `        ${index === 0 ? '- ' : '  '}${line}`).join('\n')}
`;
  return {kind: 'text', text};
}

/**
 * Returns our parts of a Backstage app-config, with comments. The removed `token` and `credential` become `credentials`.
 * Relative paths begin at `directory` and become absolute, because the new configuration may be elsewhere.
 */
export function configurationFromBackstage(
  text: string,
  {schema, directory}: InitialOptions & {readonly directory: string},
): InitialText {
  const document = parseDocument(text, {prettyErrors: false, logLevel: 'error'});
  if (document.errors.length > 0) return failed('the file is not valid YAML');
  const {contents} = document;
  const integrations = isMap(contents) ? contents.get('integrations') : undefined;
  const azure = isMap(integrations) ? integrations.get('azure') : undefined;
  if (!isMap(contents) || !isMap(integrations) || !isSeq(azure))
    return failed('the file has no list integrations.azure');
  keep(contents, ['integrations', 'orgkey']);
  keep(integrations, ['azure']);
  for (const host of azure.items) if (isMap(host)) renewCredentials(host);
  makePathsAbsolute(document, directory);
  document.commentBefore = null;
  contents.commentBefore = null;
  try {
    return {kind: 'text', text: `${headOf(schema)}\n${document.toString({lineWidth: 0})}`};
  } catch {
    return failed('integrations.azure uses anchors of other parts of the file');
  }
}

function headOf(schema: string | undefined): string {
  const pointer =
    schema === undefined ? '' : `# yaml-language-server: $schema=${schema.replaceAll(/\s/g, encodeURI)}\n`;
  return `${pointer}# Which identity acts in which Azure DevOps organization. Check it with: orgkey config check\n`;
}

function keep(map: YAMLMap, keys: readonly string[]): void {
  map.items = map.items.filter(({key}) => isScalar(key) && keys.includes(String(key.value)));
}

/** `token: X` is `credentials: [{personalAccessToken: X}]`, `credential: {…}` is `credentials: [{…}]`. */
function renewCredentials(host: YAMLMap): void {
  if (host.has('credentials')) return;
  const token = host.get('token', true);
  const credential = host.get('credential', true);
  if (token === undefined && credential === undefined) return;
  const list = new YAMLSeq();
  if (token !== undefined) {
    const renewed = new YAMLMap();
    renewed.set('personalAccessToken', token);
    list.add(renewed);
  }
  if (credential !== undefined) {
    if (isMap(credential)) renameToken(credential);
    list.add(credential);
  }
  host.delete('token');
  host.delete('credential');
  host.set('credentials', list);
}

function renameToken(credential: YAMLMap): void {
  const token = credential.get('token', true);
  if (token === undefined) return;
  credential.delete('token');
  credential.set('personalAccessToken', token);
}

function makePathsAbsolute(document: Document, directory: string): void {
  visit(document, {
    Pair(_, {key, value}) {
      if (!isScalar(key)) return;
      const program = key.value === '$command' && isSeq(value) ? value.items[0] : undefined;
      if (PATHS.has(key.value)) makeAbsolute(value, directory);
      // any other program is found on the PATH
      else if (isScalar(program) && /^\.\.?\//.test(String(program.value))) makeAbsolute(program, directory);
    },
  });
}

const PATHS: ReadonlySet<unknown> = new Set(['$file', '$include', 'federatedTokenFile']);

/** Makes a path absolute, unless it begins with a variable or at home. */
function makeAbsolute(node: unknown, directory: string): void {
  if (!isScalar(node) || typeof node.value !== 'string') return;
  const path = node.value.trim();
  // a function: in a replacement text, $$ would be one $
  const escaped = directory.replaceAll('${', () => '$${');
  if (path !== '' && !/^(?:~\/|\$\{)/.test(path)) node.value = resolve(escaped, path);
}

function failed(message: string): InitialText {
  return {kind: 'failed', message};
}
