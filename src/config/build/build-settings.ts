import {MAIN_SOCKET} from '../../organization/socket-scope.ts';
import type {GatewaySettings, Settings, SocketSettings, SubmoduleSettings} from '../configuration.ts';
import {readSection, type Item} from '../shape/collections.ts';
import {ORGKEY, type OrgkeyValues} from '../shape/keys.ts';
import type {Reader} from '../shape/kind.ts';
import type {Written, WrittenMap} from '../text/written.ts';

type SocketFields = NonNullable<OrgkeyValues['sockets']>[number];
type GatewayFields = NonNullable<OrgkeyValues['gateways']>[number];
type SubmoduleFields = NonNullable<OrgkeyValues['submodules']>[number];

/** Reads the section `orgkey`. A value that is missing or wrong has its default. */
export function readOrgkey(written: Written | undefined, reader: Reader): OrgkeyValues {
  if (written?.kind !== 'map' && written !== undefined && written.kind !== 'nothing')
    reader.wrongType(written, {label: 'orgkey', keyAt: undefined}, 'a mapping');
  return readSection(written?.kind === 'map' ? written : undefined, ORGKEY, reader);
}

/** Builds the settings, and checks the rules that concern several keys. Sockets and keys that are wrong are left out. */
export function buildSettings(values: OrgkeyValues, reader: Reader): Settings {
  const {sockets = [], gateways = [], submodules = [], ...others} = values;
  const builder = new SettingsBuilder(reader, gateways);
  return {
    ...others,
    sockets: sockets.flatMap((socket) => builder.socket(socket)),
    gateways: gateways.flatMap((gateway) => builder.gateway(gateway)),
    submodules: submodules.flatMap((submodule) => builder.submodule(submodule)),
  };
}

class SettingsBuilder {
  readonly #reader: Reader;
  /** The first place of each name of a socket. */
  readonly #socketNames = new Map<string, number>();
  readonly #gateways: readonly GatewayFields[];
  readonly #gatewayNames = new Map<string, number>();
  /** The first key of each host and organization. */
  readonly #keys = new Map<string, {readonly at: number; readonly isLimited: boolean}>();

  constructor(reader: Reader, gateways: readonly GatewayFields[]) {
    this.#reader = reader;
    this.#gateways = gateways;
  }

  socket({written, values, sound}: SocketFields): SocketSettings[] {
    const isNamed = values.name !== undefined && this.#claimName(values.name, placeOf(written, 'name'));
    const isForSome =
      values.gateway === undefined
        ? this.#isForSome(written, values.organizations)
        : this.#listens(values.gateway, placeOf(written, 'gateway'));
    this.#warnIfOpen(values.mode, placeOf(written, 'mode'), 'ask this socket for credentials');
    if (sound === undefined || !isNamed || !isForSome) return [];
    return [{...sound, organizations: namesOf(sound.organizations)}];
  }

  /** Whether a socket can hand out capabilities of the gateway that it names. */
  #listens(gateway: string, at: number): boolean {
    const found = this.#gateways.find(({values}) => values.name === gateway);
    if (found?.values.listen !== undefined) return true;
    const why = found === undefined ? 'names no gateway' : 'names a gateway without `listen`';
    this.#reader.refuse(at, `gateway ${why}: ${gateway}`);
    return false;
  }

  #warnIfOpen(mode: number | undefined, at: number, use: string): void {
    if (mode === undefined || (mode & 0o002) === 0) return;
    this.#reader.problems.warn(at, `every user of this machine may ${use}`);
  }

  #claimName(name: string, at: number): boolean {
    if (name === MAIN_SOCKET) {
      this.#reader.refuse(at, `name cannot be ${MAIN_SOCKET}: the main socket has that name`);
      return false;
    }
    const first = this.#socketNames.get(name);
    if (first !== undefined) {
      const place = this.#reader.problems.place(first);
      this.#reader.refuse(at, `a second socket of this name, the first is at ${place}`);
      return false;
    }
    this.#socketNames.set(name, at);
    return true;
  }

  gateway({written, values, sound}: GatewayFields): GatewaySettings[] {
    const isNamed = values.name !== undefined && this.#claimGateway(values.name, placeOf(written, 'name'));
    const list = written.entries.get('repositories')?.value;
    this.#warnIfOpen(values.mode, placeOf(written, 'mode'), 'use this gateway');
    if (list?.kind === 'list' && list.items.length === 0) {
      this.#reader.refuse(list.at, 'repositories must name at least one');
      return [];
    }
    if (sound === undefined || !isNamed) return [];
    const {repositories, push = [], deletions, lfs, ...others} = sound;
    const rule = {
      repositories: repositories.map(({value}) => value),
      push: push.map(({value}) => value),
      deletions,
      lfs,
    };
    return [{...others, rule}];
  }

  #claimGateway(name: string, at: number): boolean {
    const socket = this.#socketNames.get(`gateway-${name}`);
    if (socket !== undefined) {
      const place = this.#reader.problems.place(socket);
      this.#reader.refuse(at, `the socket gateway-${name} has this name for systemd, it is at ${place}`);
      return false;
    }
    const first = this.#gatewayNames.get(name);
    this.#gatewayNames.set(name, first ?? at);
    if (first === undefined) return true;
    this.#reader.refuse(
      at,
      `a second gateway of this name, the first is at ${this.#reader.problems.place(first)}`,
    );
    return false;
  }

  submodule({written, values, sound}: SubmoduleFields): SubmoduleSettings[] {
    const {resolver, problems} = this.#reader;
    const isForSome = this.#isForSome(written, values.organizations);
    const {organizations = [], host, repositories = []} = values;
    if (host !== undefined)
      this.#claimKeys(written.at, {host, organizations, isLimited: repositories.length > 0});
    if (sound === undefined || !isForSome) return [];
    return [
      {
        ...sound,
        organizations: namesOf(organizations),
        keyFile: resolver.fileOf(written.entries.get('privateKey')?.value),
        repositories: repositories.map(({value}) => value),
        place: problems.place(written.at),
      },
    ];
  }

  /** Reports two keys for all repositories of one organization: which key a repository gets must be clear. */
  #claimKeys(
    at: number,
    {
      organizations,
      host,
      isLimited,
    }: {
      readonly organizations: readonly Item<string>[];
      readonly host: string;
      readonly isLimited: boolean;
    },
  ): void {
    const {problems} = this.#reader;
    for (const organization of namesOf(organizations)) {
      const name = `${host}/${organization}`;
      const first = this.#keys.get(name);
      if (first === undefined) this.#keys.set(name, {at, isLimited});
      else if (!isLimited || !first.isLimited)
        problems.error(
          at,
          `a second key for the same organization and host, the first is at ${problems.place(first.at)}`,
          'name repositories in both rules',
        );
    }
  }

  #isForSome(written: WrittenMap, organizations: readonly Item<string>[] | undefined): boolean {
    const list = written.entries.get('organizations')?.value;
    if (list?.kind !== 'list' || list.items.length > 0) return organizations !== undefined;
    this.#reader.refuse(list.at, 'organizations must name at least one');
    return false;
  }
}

function placeOf(map: WrittenMap, key: string): number {
  return map.entries.get(key)?.value.at ?? map.at;
}

/** Each name once. */
function namesOf(organizations: readonly Item<string>[]): readonly string[] {
  return [...new Set(organizations.map(({value}) => value))];
}
