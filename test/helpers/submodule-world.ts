import {execFileSync} from 'node:child_process';

import {makePrivateKey} from '../../src/ssh/key/private-key.ts';
import {startCloud, type Cloud} from '../cloud/cloud.ts';
import {ruleFor, startGrantDaemon, type GrantDaemon} from './grant-daemon.ts';
import {GitHome} from './git-home.ts';

type PrivateKey = Awaited<ReturnType<typeof makePrivateKey>>['key'];

/** One for a whole test file, because making one takes seconds. */
export async function testKey(): Promise<{readonly key: PrivateKey; readonly privateKey: string}> {
  made ??= makePrivateKey().then(({key, secret}) => ({key, privateKey: secret.revealText()}));
  return made;
}

let made: ReturnType<typeof testKey> | undefined;

/** The organization contoso in a cloud of its own, a key that it knows, a daemon that serves it, and a user's home. */
export class SubmoduleWorld {
  readonly cloud: Cloud;
  readonly contoso: ReturnType<Cloud['addOrganization']>;
  readonly key: PrivateKey;
  /** PEM. */
  readonly privateKey: string;
  readonly daemon: GrantDaemon;
  readonly home: GitHome;
  readonly #password: string;

  private constructor(parts: {
    cloud: Cloud;
    contoso: ReturnType<Cloud['addOrganization']>;
    key: PrivateKey;
    privateKey: string;
    daemon: GrantDaemon;
    home: GitHome;
  }) {
    this.cloud = parts.cloud;
    this.contoso = parts.contoso;
    this.key = parts.key;
    this.privateKey = parts.privateKey;
    this.daemon = parts.daemon;
    this.home = parts.home;
    this.#password = parts.contoso.addPat().value;
  }

  static async start(options: Partial<Parameters<typeof startGrantDaemon>[0]> = {}): Promise<SubmoduleWorld> {
    const cloud = await startCloud();
    const contoso = cloud.addOrganization('contoso');
    const {key, privateKey} = await testKey();
    contoso.addSshKey(key.publicLine('test'));
    const daemon = await startGrantDaemon({
      submodules: [ruleFor(privateKey, {organizations: ['contoso'], knownHosts: cloud.knownHosts()})],
      environment: cloud.environment(),
      ...options,
    });
    const home = new GitHome({...cloud.environment(), ORGKEY_RUNTIME_DIR: daemon.directory});
    await home.useWrapper();
    // If orgkey-ssh is not asked, or passes, the real ssh must fail at once and show that it was called
    home.write(
      'bin/ssh',
      `#!/bin/sh
[ "$1 $2 $3 $4" = '-F none -T -S' ] && exec ${execFileSync('sh', ['-c', 'command -v ssh'], {encoding: 'utf8'}).trim()} "$@"
printf 'plain ssh: %s\\n' "$*" >&2
exit 99
`,
      0o755,
    );
    return new SubmoduleWorld({cloud, contoso, key, privateKey, daemon, home});
  }

  /** Returns the address of `Project/name` over ssh. */
  ssh(repository: string): string {
    return `git@ssh.dev.azure.com:v3/contoso/${repository}`;
  }

  /** Returns the address of `Project/name` over HTTPS, with a valid password: only ssh is tested here. */
  https(repository: string): string {
    const [project = '', name = ''] = repository.split('/');
    return `https://user:${this.#password}@dev.azure.com/contoso/${project}/_git/${name}`;
  }

  /** Returns the variables with which git finds a fake ssh first: what reaches it was not served. */
  get plain(): Record<string, string> {
    return {ORGKEY_SSH: `${this.home.directory}/bin/ssh`};
  }

  /** Returns what was granted so far, in order. */
  get granted(): string[] {
    return this.daemon.events.flatMap((event) =>
      event.kind === 'granted' ? [`${event.project}/${event.repository}`] : [],
    );
  }

  get commands(): string[] {
    return [...this.cloud.sshRequests].flatMap(({kind, command}) => (kind === 'exec' ? [command ?? ''] : []));
  }

  async close(): Promise<void> {
    await this.daemon.close();
    await this.cloud.close();
    this.home.remove();
  }
}
