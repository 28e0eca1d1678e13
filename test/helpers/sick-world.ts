import type {ExecutionContext} from 'ava';
import {type Cloud} from '../cloud/cloud.ts';
import {testKey} from './submodule-world.ts';
import {main, Person, type Outcome} from './command-line.ts';
import {cloudFor} from './cloud-for.ts';

/** What one run of doctor found. */
export interface Finding {
  readonly group: string;
  readonly title: string;
  readonly outcome: string;
  readonly detail: string;
  readonly repair?: string;
  readonly commands?: readonly string[];
  readonly advice?: readonly string[];
}

/** The surroundings of one fault: what differs from those of a sound user. */
export interface Surroundings {
  readonly environment?: Readonly<Record<string, string>>;
  /** Relative to the home. */
  readonly directory?: string;
}

/**
 * A user whose git works with orgkey, set up by its own command with a service of its own: contoso with a client
 * secret, fabrikam with a personal access token, and a clone of a repository of contoso.
 */
export class SickWorld {
  readonly url: string;
  readonly pat: string;
  readonly secret: string;
  readonly configuration: string;
  /** Of contoso, as Azure DevOps knows it. */
  readonly keys: {readonly add: () => void; readonly remove: () => void};
  /** Makes the identity of club a member there. */
  readonly join: () => void;

  readonly cloud: Cloud;
  readonly person: Person;

  private constructor(
    cloud: Cloud,
    person: Person,
    parts: Pick<SickWorld, 'url' | 'pat' | 'secret' | 'configuration' | 'join' | 'keys'>,
  ) {
    this.cloud = cloud;
    this.person = person;
    this.url = parts.url;
    this.pat = parts.pat;
    this.secret = parts.secret;
    this.configuration = parts.configuration;
    this.join = parts.join;
    this.keys = parts.keys;
  }

  static async start(t: ExecutionContext, {hasKey = false} = {}): Promise<SickWorld> {
    const cloud = await cloudFor(t);
    const tenant = cloud.addTenant();
    const app = tenant.addApplication();
    const outsider = tenant.addApplication();
    const contoso = cloud.addOrganization('contoso', {tenant, members: [app]});
    const {url} = contoso.addRepository('web/site', {files: {a: 'a'}});
    const fabrikam = cloud.addOrganization('fabrikam', {tenant});
    fabrikam.addRepository('shared/library', {files: {a: 'a'}});
    const club = cloud.addOrganization('club', {tenant});
    club.addRepository('x/y', {files: {a: 'a'}});
    cloud.addOrganization('stranger', {tenant: cloud.addTenant()}).addRepository('x/y', {files: {a: 'a'}});
    const pat = fabrikam.addPat().value;
    const expired = fabrikam.addPat({expired: true}).value;
    const narrow = fabrikam.addPat({scopes: ['vso.packaging']}).value;
    const {GIT_SSL_CAINFO = '', SSL_CERT_FILE: _, CURL_CA_BUNDLE: __, ...environment} = cloud.environment();
    const person = new Person(t, {
      ...environment,
      PATH: '',
      ORGKEY_NO_START: '1',
    });
    const {home} = person;
    Object.assign(person.environment, {PATH: `${home}/bin:${process.env['PATH'] ?? ''}`});
    person.write('bin/orgkey', `#!/bin/sh\nexec '${process.execPath}' '${main}' "$@"\n`, 0o755);
    person.write('contoso.secret', app.secret);
    person.write('fabrikam.pat', pat);
    person.write('expired.pat', expired);
    person.write('narrow.pat', narrow);
    const rules = [
      `{organizations: [contoso, stranger, missing], clientId: ${app.clientId}, clientSecret: {$file: ${home}/contoso.secret}, tenantId: ${tenant.id}}`,
      `{organizations: [club], clientId: ${outsider.clientId}, clientSecret: "${outsider.secret}", tenantId: ${tenant.id}}`,
      `{organizations: [fabrikam], personalAccessToken: {$file: ${home}/fabrikam.pat}}`,
    ];
    const {key, privateKey} = await testKey();
    const line = key.publicLine('test');
    const keys = {add: () => void contoso.addSshKey(line), remove: () => contoso.removeSshKey(line)};
    person.write('submodule.key', privateKey);
    keys.add();
    const submodules = `{organizations: [contoso], privateKey: {$file: ${home}/submodule.key}, knownHosts: ${JSON.stringify(cloud.knownHosts())}}`;
    const configuration = `integrations: {azure: [{credentials: [${rules.join(', ')}]}]}\n${
      hasKey ? `orgkey: {submodules: [${submodules}]}\n` : ''
    }`;
    person.configure(configuration);
    await person.git(['config', '--global', 'http.sslCAInfo', GIT_SSL_CAINFO]);
    const join = () => {
      club.addMember(outsider);
    };
    t.teardown(async () => {
      await person.run('service stop');
    });
    const world = new SickWorld(cloud, person, {url, pat, secret: app.secret, configuration, join, keys});
    // some of the organizations are there to fail, which setup may report
    await person.run('setup', ['--service', 'plain']);
    await world.expect(person.git(['clone', '-q', url, 'site']), 'clone');
    return world;
  }

  async expect(outcome: Promise<Outcome>, what: string): Promise<void> {
    const {code, stdout, stderr} = await outcome;
    if (code !== 0) throw new Error(`${what}: ${String(code)}: ${stdout}${stderr}`);
  }

  /** Whether git reads the repository, and what it says. A user gives up on a git that hangs. */
  async git(remote: string, {environment = {}, directory = '.'}: Surroundings): Promise<Outcome> {
    return this.person
      .spawn('timeout', ['20', 'git', 'ls-remote', '--', remote, 'HEAD'], {
        environment: {GIT_TERMINAL_PROMPT: '0', ...environment},
        directory: this.person.path(directory),
      })
      .catch((error: unknown) => ({code: 127, stdout: '', stderr: String(error)}));
  }

  async examine(words: readonly string[], {environment = {}, directory = '.'}: Surroundings) {
    const {code, stdout, stderr} = await this.person.run('doctor', [...words, '--json'], {
      environment,
      directory: this.person.path(directory),
    });
    if (!stdout.startsWith('{')) throw new Error(`doctor: ${String(code)}: ${stdout}${stderr}`);
    const {diagnostics}: {diagnostics: readonly Finding[]} = JSON.parse(stdout);
    return {code, diagnostics};
  }

  /** Runs one command of a repair as the user would. Returns the surroundings that follow from it. */
  async run(command: string, surroundings: Surroundings): Promise<Surroundings> {
    const {environment = {}, directory = '.'} = surroundings;
    const unset = /^unset (.+)$/.exec(command)?.[1]?.split(' ');
    if (unset !== undefined) {
      const kept = Object.entries(environment).filter(([name]) => !unset.includes(name));
      return {...surroundings, environment: Object.fromEntries(kept)};
    }
    await this.person.spawn('sh', ['-c', command], {environment, directory: this.person.path(directory)});
    return surroundings;
  }
}
