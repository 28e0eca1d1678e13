import {lowerAscii, organizationFrom} from '../../organization/organization.ts';
import {MAIN_SOCKET} from '../../organization/socket-scope.ts';
import {isServicesSshHost} from '../../organization/ssh-remote.ts';
import {collectionFrom} from './build-bindings.ts';
import {isPlainHttps} from './build-identity.ts';
import type {
  AuditSettings,
  EntraSettings,
  Settings,
  SocketSettings,
  SubmoduleSettings,
} from '../configuration.ts';
import {DEFAULT_SETTINGS} from '../default-settings.ts';
import {durationFrom, sizeFrom} from '../value/quantity.ts';
import type {Problems} from '../text/problems.ts';
import type {Resolver} from '../value/resolve-value.ts';
import {valueAt, type Written, type WrittenMap} from '../text/written.ts';

interface SettingsParts {
  readonly problems: Problems;
  readonly resolver: Resolver;
}

/** `orgkey.entra` alone: identities are made with it. */
export function buildEntraSettings(orgkey: Written | undefined, parts: SettingsParts): EntraSettings {
  const entra = valueAt(orgkey, 'entra');
  const written = valueAt(entra, 'authorityHost');
  const host = parts.resolver.text(written);
  const {authorityHost, disableInstanceDiscovery} = DEFAULT_SETTINGS.entra;
  if (host !== undefined && written !== undefined && !isPlainHttps(host))
    parts.problems.refuse(written.at, 'authorityHost must be an https address without query');
  return {
    authorityHost: (host ?? authorityHost).replace(/\/+$/, ''),
    disableInstanceDiscovery: parts.resolver.flag(
      valueAt(entra, 'disableInstanceDiscovery'),
      disableInstanceDiscovery,
    ),
  };
}

/** Everything below `orgkey`, defaults filled in. What is wrong is told to `parts.problems`. */
export function buildSettings(
  orgkey: Written | undefined,
  entra: EntraSettings,
  parts: SettingsParts,
): Settings {
  return new SettingsBuilder(orgkey, parts).build(entra);
}

class SettingsBuilder {
  readonly #orgkey: Written | undefined;
  readonly #parts: SettingsParts;

  constructor(orgkey: Written | undefined, parts: SettingsParts) {
    this.#orgkey = orgkey;
    this.#parts = parts;
  }

  build(entra: EntraSettings): Settings {
    const {resolver} = this.#parts;
    this.#rejectKeyHolder();
    return {
      prefetch: resolver.flag(valueAt(this.#orgkey, 'prefetch'), DEFAULT_SETTINGS.prefetch),
      onFailure: this.#onFailure(),
      idleExit: this.#idleExit(),
      entra,
      sockets: this.#items('sockets').flatMap((socket) => this.#socket(socket)),
      submodules: this.#items('submodules').flatMap((submodule) => this.#submodule(submodule)),
      sshProxyCommand: this.#unless('none', valueAt(valueAt(this.#orgkey, 'ssh'), 'proxyCommand')),
      metricsListen: this.#metricsListen(),
      audit: this.#audit(),
    };
  }

  #onFailure(): Settings['onFailure'] {
    const written = valueAt(this.#orgkey, 'onFailure');
    const text = this.#parts.resolver.text(written);
    if (text === 'quit' || text === 'pass') return text;
    if (text !== undefined) this.#refuse(written, 'onFailure must be quit or pass');
    return DEFAULT_SETTINGS.onFailure;
  }

  #rejectKeyHolder(): void {
    const ssh = valueAt(this.#orgkey, 'ssh');
    const entry = ssh?.kind === 'map' ? ssh.entries.get('keyHolder') : undefined;
    if (entry === undefined) return;
    this.#parts.problems.error(
      entry.keyAt,
      'keyHolder was removed: a submodule key can be in your own ssh-agent instead',
      'delete keyHolder; for a key in an ssh-agent write privateKey: {$agent: SSH_AUTH_SOCK, publicKey: …}',
    );
  }

  #idleExit(): number | undefined {
    const written = valueAt(this.#orgkey, 'idleExit');
    const text = this.#unless('never', written);
    if (text === undefined) return DEFAULT_SETTINGS.idleExit;
    const duration = durationFrom(text);
    if (duration === undefined)
      this.#refuse(written, 'idleExit must be never, or a time as in 90s, 10m or 2h');
    return duration;
  }

  #metricsListen(): string | undefined {
    const written = valueAt(valueAt(this.#orgkey, 'metrics'), 'listen');
    const text = this.#unless('off', written);
    if (text === undefined) return DEFAULT_SETTINGS.metricsListen;
    if (text.startsWith('/')) return text;
    const port = Number(/^(?:localhost|127\.\d+\.\d+\.\d+|\[::1\]):(\d{1,5})$/.exec(text)?.[1]);
    if (port <= 65_535) return text;
    this.#refuse(
      written,
      'listen must be off, a loopback address with a port as in 127.0.0.1:9464, or the absolute path of a socket',
    );
    return undefined;
  }

  #audit(): AuditSettings {
    const audit = valueAt(this.#orgkey, 'audit');
    return {maxSize: this.#size(valueAt(audit, 'maxSize')), files: this.#files(valueAt(audit, 'files'))};
  }

  #size(written: Written | undefined): number {
    const size = written?.kind === 'number' ? written.value : this.#parts.resolver.text(written);
    if (size === undefined) return DEFAULT_SETTINGS.audit.maxSize;
    const bytes = sizeFrom(String(size));
    if (bytes !== undefined && bytes >= 4096) return bytes;
    this.#refuse(written, 'maxSize must be a size of at least 4KiB, as in 500KiB or 10MiB');
    return DEFAULT_SETTINGS.audit.maxSize;
  }

  #files(written: Written | undefined): number {
    const stated = written?.kind === 'number' ? written.value : this.#parts.resolver.text(written);
    if (stated === undefined) return DEFAULT_SETTINGS.audit.files;
    const files = Number(stated);
    if (Number.isInteger(files) && files >= 1 && files <= 1000) return files;
    this.#refuse(written, 'files must be a number from 1 to 1000');
    return DEFAULT_SETTINGS.audit.files;
  }

  readonly #socketNames = new Map<string, number>();

  #socket(written: WrittenMap): SocketSettings[] {
    const writtenName = valueAt(written, 'name');
    const name = this.#parts.resolver.text(writtenName);
    const sound = name !== undefined && this.#isSocketName(name, writtenName);
    const organizations = this.#organizations(written);
    const mode = this.#mode(valueAt(written, 'mode'));
    const group = this.#group(valueAt(written, 'group'));
    if (!sound || organizations === undefined || mode === undefined) return [];
    return [{name, organizations, mode, group}];
  }

  #isSocketName(name: string, written: Written | undefined): boolean {
    if (!/^[a-z0-9][a-z0-9-]{0,30}$/.test(name)) {
      this.#refuse(written, 'name must be of lower-case letters, digits and hyphens, 31 at most');
      return false;
    }
    if (name === MAIN_SOCKET) {
      this.#refuse(written, `name cannot be ${MAIN_SOCKET}: that is the socket for everybody`);
      return false;
    }
    const at = written?.at ?? 0;
    const first = this.#socketNames.get(name);
    if (first !== undefined) {
      this.#refuse(
        written,
        `a second socket of this name, the first is at ${this.#parts.problems.place(first)}`,
      );
      return false;
    }
    this.#socketNames.set(name, at);
    return true;
  }

  #mode(written: Written | undefined): number | undefined {
    const text = this.#parts.resolver.text(written);
    if (text === undefined) return written === undefined ? 0o600 : undefined;
    const mode = /^0?o?[0-7]{3}$/.test(text) ? Number.parseInt(text.replace('o', ''), 8) : Number.NaN;
    if ((mode & 0o600) !== 0o600 || (mode & 0o111) !== 0) {
      this.#refuse(written, 'mode must be as in "0600", "0660" or "0666"');
      return undefined;
    }
    if ((mode & 0o002) !== 0)
      this.#parts.problems.warn(
        written?.at ?? 0,
        'every user of this machine may ask this socket for credentials',
      );
    return mode;
  }

  #group(written: Written | undefined): string | undefined {
    const text = this.#parts.resolver.text(written);
    if (text === undefined || /^[a-zA-Z0-9_][a-zA-Z0-9_.-]{0,62}\$?$/.test(text)) return text;
    this.#refuse(written, 'group must be the name or the number of a group');
    return undefined;
  }

  readonly #keys = new Map<string, {readonly at: number; readonly limited: boolean}>();

  #submodule(written: WrittenMap): SubmoduleSettings[] {
    const {problems, resolver} = this.#parts;
    const organizations = this.#organizations(written);
    const host = this.#sshHost(valueAt(written, 'host'));
    const writtenKey = valueAt(written, 'privateKey');
    const privateKey =
      valueAt(writtenKey, '$agent') === undefined
        ? resolver.secret(writtenKey, 'lines')
        : resolver.agentKey(writtenKey);
    const keyFile = resolver.fileOf(writtenKey);
    const repositories = this.#repositories(valueAt(written, 'repositories'));
    const knownHosts = resolver.text(valueAt(written, 'knownHosts'));
    if (organizations === undefined || host === undefined) return [];
    this.#claimKeys(written, {organizations, host, limited: (repositories ?? []).length > 0});
    if (privateKey === undefined || repositories === undefined) return [];
    return [
      {
        organizations,
        host,
        privateKey,
        keyFile,
        repositories,
        knownHosts,
        place: problems.place(written.at),
      },
    ];
  }

  /** Which key a repository gets must be plain: two for all repositories of one organization are not. */
  #claimKeys(
    written: WrittenMap,
    {organizations, host, limited}: {organizations: readonly string[]; host: string; limited: boolean},
  ): void {
    const {problems} = this.#parts;
    for (const organization of organizations) {
      const name = `${host}/${organization}`;
      const first = this.#keys.get(name);
      if (first === undefined) this.#keys.set(name, {at: written.at, limited});
      else if (!limited || !first.limited)
        problems.error(
          written.at,
          `a second key for the same organization and host, the first is at ${problems.place(first.at)}`,
          'only with repositories on both can there be two',
        );
    }
  }

  #sshHost(written: Written | undefined): string | undefined {
    const text = this.#parts.resolver.text(written);
    if (text === undefined) return written === undefined ? 'ssh.dev.azure.com' : undefined;
    const host = lowerAscii(text);
    const [name = '', port] = host.split(':');
    // it has no other port, and is known by its name
    if (isServicesSshHost(name) && port === '22') return name;
    if (/^[a-z0-9_][a-z0-9._-]{0,252}(?::[1-9]\d{0,4})?$/.test(host)) return host;
    this.#refuse(written, 'host must be the ssh name of a host, as in ssh.dev.azure.com');
    return undefined;
  }

  #repositories(written: Written | undefined): readonly string[] | undefined {
    const patterns = this.#parts.resolver.texts(written);
    if (written?.kind === 'list' && patterns.length < written.items.length) return undefined;
    const bad = patterns.find(({text}) => !/^[^/\p{Cc}]{1,128}\/[^/\p{Cc}]{1,128}$/u.test(text));
    if (bad === undefined) return patterns.map(({text}) => text);
    this.#parts.problems.refuse(
      bad.at,
      'a pattern must be PROJECT/REPOSITORY, with * for any run of characters',
    );
    return undefined;
  }

  /** In lower case, at least one. */
  #organizations(map: WrittenMap): readonly string[] | undefined {
    const written = valueAt(map, 'organizations');
    if (written?.kind !== 'list') return undefined;
    const listed = this.#parts.resolver.texts(written);
    if (listed.length < written.items.length) return undefined;
    if (listed.length === 0) {
      this.#refuse(written, 'organizations must name at least one');
      return undefined;
    }
    const names: string[] = [];
    for (const {text, at} of listed) {
      const name = organizationFrom(text) ?? collectionFrom(text);
      if (name === undefined) this.#parts.problems.refuse(at, 'no name of an organization or collection');
      else if (!names.includes(name)) names.push(name);
    }
    return names.length === 0 ? undefined : names;
  }

  /** The maps of a list. */
  #items(key: string): WrittenMap[] {
    const written = valueAt(this.#orgkey, key);
    return written?.kind === 'list' ? written.items.filter((item) => item.kind === 'map') : [];
  }

  #unless(word: string, written: Written | undefined): string | undefined {
    const text = this.#parts.resolver.text(written);
    return text === word || text === '' ? undefined : text;
  }

  #refuse(written: Written | undefined, message: string): void {
    this.#parts.problems.refuse(written?.at ?? 0, message);
  }
}
