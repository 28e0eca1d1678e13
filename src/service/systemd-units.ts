import {CLIENT_SCRIPTS, nameBesideSocket} from '../places/client-scripts.ts';
import type {ServiceSocket} from './service-sockets.ts';
import {machineReaders} from '../places/paths.ts';
import {unsafeVariables, daemonWords} from './node-flags.ts';
import type {DaemonCommand} from './machine.ts';
import {STOP_SECONDS} from './stop-limits.ts';

export interface UnitFile {
  readonly name: string;
  readonly text: string;
}

export type UnitScope = 'user' | 'system';

/**
 * `without-namespaces` is for user managers on kernels that forbid unprivileged user namespaces, where a unit that
 * needs one fails with status 217, 218 or 226.
 */
export type Sandbox = 'full' | 'without-namespaces';

export const serviceUnit = 'orgkey.service';
export const gitSocketUnit = 'orgkey.socket';
/** The user and group of the system service. */
export const systemUser = 'orgkey';
export const systemRuntimeDirectory = '/run/orgkey';
export const systemStateDirectory = '/var/lib/orgkey';

export function scopedSocketUnit({name}: Pick<ServiceSocket, 'name'>): string {
  return `orgkey-${name}.socket`;
}

/** Returns why systemd cannot serve these sockets, as a sentence. `undefined`: it can. */
export function whyUnservable(sockets: readonly ServiceSocket[], scope: UnitScope): string | undefined {
  for (const {name, group} of sockets) {
    if (group !== undefined && scope === 'user') {
      return `the group ${group} cannot reach the socket ${name}: no group may enter /run/user. Use the system service`;
    }
  }
  return undefined;
}

/** Returns the units for systemd's user manager, with sockets in `$XDG_RUNTIME_DIR/orgkey`. */
export function userUnits(daemon: DaemonCommand, sandbox: Sandbox = 'full'): readonly UnitFile[] {
  const git = {unit: 'git.sock', name: 'git', mode: 0o600, group: undefined};
  return unitsOf(daemon, git, {socket: userSocket, service: userService(daemon, sandbox)});
}

/** Returns the units for the system manager, with sockets in `/run/orgkey`. They need the user `orgkey`. */
export function systemUnits(daemon: DaemonCommand): readonly UnitFile[] {
  const git = {unit: 'git.sock', name: 'git', mode: 0o660, group: undefined};
  return unitsOf(daemon, git, {socket: systemSocket, service: systemService(daemon)});
}

function unitsOf(
  {sockets}: DaemonCommand,
  git: SocketUnit,
  {socket, service}: {readonly socket: (unit: SocketUnit) => string; readonly service: string},
): readonly UnitFile[] {
  return [
    {name: gitSocketUnit, text: socket(git)},
    ...sockets.map(({name, mode, group, gateway}) => ({
      name: scopedSocketUnit({name}),
      text: socket({unit: pathOf({name, gateway}), name, mode, group, gateway}),
    })),
    {name: serviceUnit, text: service},
  ];
}

/** A file for `sysusers.d`: the user of the system service, and the group that may read its configuration. */
export const sysusersFile = `u ${systemUser} - "orgkey credential daemon" ${systemStateDirectory}
g ${machineReaders} -
`;

interface SocketUnit {
  /** Below the runtime directory. */
  readonly unit: string;
  /** Its name in LISTEN_FDNAMES. */
  readonly name: string;
  readonly mode: number;
  readonly group: string | undefined;
  readonly gateway?: string | undefined;
}

function pathOf({name, gateway}: Pick<ServiceSocket, 'name' | 'gateway'>): string {
  return gateway === undefined ? `scoped/${name}/git.sock` : `gateways/${gateway}/gateway.sock`;
}

function userSocket({unit, name, mode}: SocketUnit): string {
  // with 0711 git's own cache daemon refuses to start there, and cannot take the path
  return socketFile(name, [
    `ListenStream=%t/orgkey/${unit}`,
    `SocketMode=${octal(mode)}`,
    'DirectoryMode=0711',
  ]);
}

function systemSocket({unit, name, mode, group = systemUser, gateway}: SocketUnit): string {
  // the directories belong to root: if orgkey could write there, it could redirect root's chown. With 0700 no client
  // could reach the socket
  return socketFile(name, [
    `ListenStream=${systemRuntimeDirectory}/${unit}`,
    `SocketMode=${octal(mode)}`,
    `SocketUser=${systemUser}`,
    `SocketGroup=${escaped(group)}`,
    'DirectoryMode=0755',
    ...(gateway === undefined ? grantDirectory(grantPath(name), group) : []),
    ...clientPaths({name, gateway}).flatMap(clientFile),
  ]);
}

/**
 * Makes the directory for sockets of grants. Its setgid bit gives them their group: the daemon is not a member of that
 * group, and its namespace does not know it.
 */
function grantDirectory(path: string, group: string): readonly string[] {
  return [
    `ExecStartPost=install -d -o ${systemUser} -g ${quoted(escaped(group))} -m 2711 ${path}`,
    `ExecStopPost=rm -rf ${path}`,
  ];
}

/** Makes a file for clients, which the daemon fills: it cannot make files in a directory of root's. */
function clientFile(path: string): readonly string[] {
  return [
    `ExecStartPost=install -o ${systemUser} -g ${systemUser} -m ${path.endsWith('gitconfig') ? '0644' : '0755'} /dev/null ${path}`,
    `ExecStopPost=rm -f ${path}`,
  ];
}

/** Returns the files for clients beside a socket. */
function clientPaths({name, gateway}: Pick<ServiceSocket, 'name' | 'gateway'>): readonly string[] {
  if (gateway !== undefined) return [`${systemRuntimeDirectory}/gateways/${gateway}/gitconfig`];
  const directory = `${systemRuntimeDirectory}/scoped/${name}`;
  return name === 'git' ? [] : CLIENT_FILES.map((file) => `${directory}/${file}`);
}

const CLIENT_FILES = ['gitconfig', 'submodules.gitconfig', ...CLIENT_SCRIPTS.map(nameBesideSocket)];

/** Not `ssh` for the main socket: only the daemon may enter that directory. */
function grantPath(name: string): string {
  return name === 'git' ? `${systemRuntimeDirectory}/grants` : `${systemRuntimeDirectory}/scoped/${name}/ssh`;
}

function socketFile(name: string, lines: readonly string[]): string {
  return `[Unit]
Description=orgkey: ${name === 'git' ? "git's credential requests" : `the scoped socket ${name}`}
Documentation=man:orgkey(1)

[Socket]
${lines.join('\n')}
FileDescriptorName=${name}
Service=${serviceUnit}
Backlog=4096
RemoveOnStop=yes
# With systemd's default, 20 starts in 2 seconds close the socket, and git finds no daemon
TriggerLimitIntervalSec=0

[Install]
WantedBy=sockets.target
`;
}

function userService(daemon: DaemonCommand, sandbox: Sandbox): string {
  const places = {runtimeDirectory: '%t/orgkey', stateDirectory: escaped(daemon.stateDirectory)};
  const namespaces = `# Without PrivateUsers a user's manager cannot drop capabilities, and the rest fails with status 218
${isolation}
# az updates its own sign-in
ProtectHome=read-only
ReadWritePaths=${quoted(`-${escaped(daemon.stateDirectory)}`)} -%t/orgkey/scoped -%t/orgkey/gateways -%h/.azure`;
  const reduced =
    '# This kernel forbids unprivileged user namespaces, so everything that needs one is left out';
  return serviceFile(daemon, places, {
    lines: `# systemd does not pass on the shell's variables: set proxies and the like in this file
EnvironmentFile=-%h/.config/orgkey/env
${sandbox === 'full' ? namespaces : reduced}`,
    target: 'default.target',
  });
}

function systemService(daemon: DaemonCommand): string {
  const places = {runtimeDirectory: systemRuntimeDirectory, stateDirectory: systemStateDirectory};
  const writable = writablePaths([{name: 'git'}, ...daemon.sockets]);
  return serviceFile(daemon, places, {
    lines: `User=${systemUser}
Group=${systemUser}
SupplementaryGroups=${machineReaders}
EnvironmentFile=-/etc/orgkey/env
ConfigurationDirectory=orgkey
StateDirectory=orgkey
StateDirectoryMode=0700

${isolation}
ReadWritePaths=${writable.join(' ')}
ProtectHome=yes
DevicePolicy=closed
PrivateIPC=yes
ProtectProc=invisible
ProcSubset=pid
AmbientCapabilities=
RemoveIPC=yes`,
    target: 'multi-user.target',
  });
}

/** Returns what the daemon may write beside these sockets, as words of `ReadWritePaths=`. */
export function writablePaths(
  sockets: readonly Pick<ServiceSocket, 'name' | 'gateway'>[],
): readonly string[] {
  return sockets.flatMap(({name, gateway}) => [
    ...(gateway === undefined ? [`-${grantPath(name)}`] : []),
    ...clientPaths({name, gateway}).map((path) => `-${path}`),
  ]);
}

/** Escaped. */
type UnitPlaces = Pick<DaemonCommand, 'runtimeDirectory' | 'stateDirectory'>;

function serviceFile(
  daemon: DaemonCommand,
  places: UnitPlaces,
  {lines, target}: {readonly lines: string; readonly target: string},
): string {
  return `${serviceHead(daemon.sockets)}
[Service]
${execution(daemon, places)}
SyslogIdentifier=orgkey
# Not orgkey itself: systemd deletes these at each stop, and git.sock would go with it
RuntimeDirectory=orgkey/control orgkey/ssh
RuntimeDirectoryMode=0700
${lines}
${hardening}
[Install]
WantedBy=${target}
`;
}

function serviceHead(sockets: readonly ServiceSocket[]): string {
  const scoped = sockets.map((socket) => ` ${scopedSocketUnit(socket)}`).join('');
  return `[Unit]
Description=orgkey: one key per organization for git
Documentation=man:orgkey(1)
Requires=${gitSocketUnit}
Wants=${gitSocketUnit}${scoped}
After=${gitSocketUnit}${scoped}
StartLimitIntervalSec=60
StartLimitBurst=30
`;
}

function execution(daemon: DaemonCommand, places: UnitPlaces): string {
  const {node, main, configFile} = daemon;
  const words = daemonWords({
    ...places,
    node: escaped(node),
    main: escaped(main),
    configFile: configFile && escaped(configFile),
  });
  const sockets = [gitSocketUnit, ...daemon.sockets.map(scopedSocketUnit)];
  // the colon keeps systemd from expanding $ in paths
  return `Type=exec
# The daemon sets the limit of the watchdog itself, through systemd-notify, which is its child
NotifyAccess=all
ExecStart=:${words.map(quoted).join(' ')}
ExecReload=/bin/kill -HUP $MAINPID
Sockets=${sockets.join(' ')}
# SIGTERM only to the daemon: it still needs its children to answer the requests in flight
KillMode=mixed
TimeoutStopSec=${STOP_SECONDS}
Restart=on-failure
RestartSec=100ms
UnsetEnvironment=${unsafeVariables.join(' ')}`;
}

/** The part of the sandbox that needs namespaces. Everything is read-only unless a unit lists it. */
const isolation = `PrivateUsers=yes
ProtectSystem=strict
PrivateTmp=yes
PrivateDevices=yes
PrivateMounts=yes
ProtectHostname=yes
ProtectClock=yes
ProtectKernelTunables=yes
ProtectKernelModules=yes
ProtectKernelLogs=yes
ProtectControlGroups=yes
CapabilityBoundingSet=`;

/**
 * Without MemoryDenyWriteExecute, because Node compiles at run time. node-ipc lists the network interfaces, which needs
 * AF_NETLINK.
 */
const hardening = `UMask=0077
LimitCORE=0
LimitNOFILE=16384
MemorySwapMax=0
NoNewPrivileges=yes
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
KeyringMode=private
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallFilter=~@privileged @resources @obsolete
SystemCallErrorNumber=EPERM
`;

/** Escapes `%`, which starts a specifier. */
export function escaped(text: string): string {
  return text.replaceAll('%', '%%');
}

/** Quotes one word of a command line or a list. @see https://www.freedesktop.org/software/systemd/man/systemd.syntax.html */
export function quoted(word: string): string {
  if (/^[\w%@/.,:=+-]+$/.test(word)) return word;
  return `"${word.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;
}

function octal(mode: number): string {
  return mode.toString(8).padStart(4, '0');
}
